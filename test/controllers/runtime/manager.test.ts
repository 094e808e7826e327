import { afterEach, describe, expect, it } from 'vitest';
import { ABSENT_CONTROLLERS, CONTROLLERS } from '../../../controllers/index.ts';
import type { ControllerContext, ControllerDefinition } from '../../../controllers/runtime/controller.ts';
import { selectControllers } from '../../../controllers/runtime/manager.ts';
import { configMaps } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const definition = (name: string, more: Partial<ControllerDefinition> = {}): ControllerDefinition => ({
  name,
  description: { does: '', watches: [], writes: [] },
  setup: () => ({}),
  ...more,
});

describe('a list of controllers', () => {
  const definitions = [
    definition('deployment-controller', { aliases: ['deployment'] }),
    definition('job-controller', { aliases: ['job'] }),
    definition('token-cleaner-controller', { disabledByDefault: true }),
  ];
  const absent = [{ name: 'node-route-controller', aliases: ['route'], why: 'it needs a cloud' }];
  it.each([
    {
      name: 'all is what is on by default',
      list: ['*'],
      chosen: ['deployment-controller', 'job-controller'],
    },
    { name: 'all but one', list: ['*', '-job-controller'], chosen: ['deployment-controller'] },
    { name: 'all but one, by its older name', list: ['*', '-job'], chosen: ['deployment-controller'] },
    {
      name: 'all and one more',
      list: ['*', 'token-cleaner-controller'],
      chosen: ['deployment-controller', 'job-controller', 'token-cleaner-controller'],
    },
    { name: 'named ones only', list: ['job'], chosen: ['job-controller'] },
    { name: 'none', list: [], chosen: [] },
    { name: 'exceptions without all', list: ['-job'], chosen: [] },
    {
      name: 'the first of a name and its exception',
      list: ['job', '-job-controller'],
      chosen: ['job-controller'],
    },
    {
      name: 'the exception when it comes first',
      list: ['-job', '*', 'job'],
      chosen: ['deployment-controller'],
    },
    {
      name: 'an exception that is not there anyway',
      list: ['*', '-route'],
      chosen: ['deployment-controller', 'job-controller'],
    },
  ])('$name', ({ list, chosen }) => {
    expect(selectControllers(definitions, list, absent).map(({ name }) => name)).toEqual(chosen);
  });

  it.each([
    { list: ['nope'], message: '"nope" is not in the list of known controllers' },
    { list: ['*', '-nope'], message: '"nope" is not in the list of known controllers' },
    { list: ['-*'], message: '"*" is not in the list of known controllers' },
    { list: ['*', 'route'], message: '"route" is not implemented by kubemu: it needs a cloud' },
    {
      list: ['a', '-b', 'node-route-controller'],
      message:
        '"a" is not in the list of known controllers, "b" is not in the list of known controllers, "node-route-controller" is not implemented by kubemu: it needs a cloud',
    },
  ])('says what cannot be had of $list', ({ list, message }) => {
    expect(() => selectControllers(definitions, list, absent)).toThrow(new Error(message));
  });
});

/** Names and older names of kube-controller-manager 1.36. */
const UPSTREAM = [
  'bootstrap-signer-controller bootstrapsigner',
  'certificatesigningrequest-approving-controller csrapproving',
  'certificatesigningrequest-cleaner-controller csrcleaner',
  'certificatesigningrequest-signing-controller csrsigning',
  'cloud-node-lifecycle-controller cloud-node-lifecycle',
  'clusterrole-aggregation-controller clusterrole-aggregation',
  'cronjob-controller cronjob',
  'daemonset-controller daemonset',
  'deployment-controller deployment',
  'device-taint-eviction-controller',
  'disruption-controller disruption',
  'endpoints-controller endpoint',
  'endpointslice-controller endpointslice',
  'endpointslice-mirroring-controller endpointslicemirroring',
  'ephemeral-volume-controller ephemeral-volume',
  'garbage-collector-controller garbagecollector',
  'horizontal-pod-autoscaler-controller horizontalpodautoscaling',
  'job-controller job',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'legacy-serviceaccount-token-cleaner-controller legacy-service-account-token-cleaner',
  'namespace-controller namespace',
  'node-ipam-controller nodeipam',
  'node-lifecycle-controller nodelifecycle',
  'node-route-controller route',
  'persistentvolume-attach-detach-controller attachdetach',
  'persistentvolume-binder-controller persistentvolume-binder',
  'persistentvolume-expander-controller persistentvolume-expander',
  'persistentvolume-protection-controller pv-protection',
  'persistentvolumeclaim-protection-controller pvc-protection',
  'pod-garbage-collector-controller podgc',
  'podcertificaterequest-cleaner-controller',
  'podgroup-protection-controller',
  'replicaset-controller replicaset',
  'replicationcontroller-controller replicationcontroller',
  'resourceclaim-controller resource-claim-controller',
  'resourcepoolstatusrequest-controller',
  'resourcequota-controller resourcequota',
  'root-ca-certificate-publisher-controller root-ca-cert-publisher',
  'selinux-warning-controller',
  'service-cidr-controller',
  'service-lb-controller service',
  'serviceaccount-controller serviceaccount',
  'serviceaccount-token-controller serviceaccount-token',
  'statefulset-controller statefulset',
  'storage-version-migrator-controller svm',
  'storageversion-garbage-collector-controller storage-version-gc',
  'taint-eviction-controller',
  'token-cleaner-controller tokencleaner',
  'ttl-after-finished-controller ttl-after-finished',
  'ttl-controller ttl',
  'validatingadmissionpolicy-status-controller',
  'volumeattributesclass-protection-controller',
];

it('every name and older name of kube-controller-manager is taken, and belongs to one controller', () => {
  const here = [...CONTROLLERS, ...ABSENT_CONTROLLERS].map(({ name, aliases = [] }) =>
    [name, ...aliases].join(' '),
  );
  const ours = here.filter((names) => names !== 'simulated-volume-provisioner');
  expect(ours.sort()).toEqual(UPSTREAM);
  expect(() =>
    selectControllers(CONTROLLERS, ['*', '-ttl', 'bootstrapsigner'], ABSENT_CONTROLLERS),
  ).not.toThrow();
});

it('the controllers there are have names of their own', () => {
  const names = CONTROLLERS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
});

it('starts controllers when the caches are filled, with one informer and one recorder for all', async () => {
  const log: string[] = [];
  const contexts: ControllerContext[] = [];
  const probe = (name: string): ControllerDefinition =>
    definition(name, {
      setup: (context) => {
        contexts.push(context);
        const informer = context.informer(configMaps);
        informer.addHandler({ added: ({ metadata }) => log.push(`${name} saw ${metadata.name}`) });
        return {
          start: () => log.push(`${name} started, synced: ${informer.hasSynced}`),
          stop: () => void log.push(`${name} stopped`),
        };
      },
    });
  harness = await startHarness([probe('first'), probe('second')]);
  expect(log).toEqual(['first started, synced: true', 'second started, synced: true']);
  const [one, two] = contexts as [ControllerContext, ControllerContext];
  expect(one.informer(configMaps)).toBe(two.informer(configMaps));
  expect(one.recorder('x')).toBe(two.recorder('x'));
  expect(one.recorder('x', 'host')).not.toBe(one.recorder('x'));
  await harness.client.create(configMaps, { metadata: { name: 'web', namespace: NAMESPACE } });
  await harness.settle();
  expect(log.slice(2)).toEqual(['first saw web', 'second saw web']);
  await harness.stop();
  harness = undefined;
  expect(log.slice(4)).toEqual(['first stopped', 'second stopped']);
});

it('warns of what fails while it runs, not of what fails because it ended', async () => {
  const contexts: ControllerContext[] = [];
  const probe = definition('probe', {
    setup: (context) => {
      contexts.push(context);
      return {};
    },
  });
  harness = await startHarness([probe]);
  const { logs } = harness;
  contexts[0]!.logger.warn('while it runs');
  await harness.stop();
  harness = undefined;
  contexts[0]!.logger.with({ name: 'probe' }).warn('behind its end');
  expect(logs.map((line) => line.replace(/^\S+ /, ''))).toEqual(['WARN  while it runs']);
});
