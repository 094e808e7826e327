import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { job, pod, podTemplate, deployment, SERVER } from './objects.ts';
import { runs } from './steps.ts';

type Made = { readonly kind: string; readonly metadata: { readonly name: string } };

/** A driver that this scenario has for itself. */
function driverOf({ namespace }: Session): string {
  return `${namespace.slice(0, 50).replace(/-$/, '')}.example.com`;
}

const sliceOf = ({ namespace }: Session, node = 'node-1'): string => `${namespace}-${node}`;

/** Makes a class of this scenario's devices, and a slice of them on a node. */
async function offerDevices(session: Session, devices: readonly object[], node = 'node-1'): Promise<void> {
  const driver = driverOf(session);
  await session.create({
    kind: 'ResourceSlice',
    metadata: { name: sliceOf(session, node) },
    spec: {
      driver,
      nodeName: node,
      pool: { name: node, generation: 1, resourceSliceCount: 1 },
      devices,
    },
  });
}

async function makeClass(session: Session, spec: object = {}): Promise<void> {
  const expression = `device.driver == "${driverOf(session)}"`;
  await session.create({
    kind: 'DeviceClass',
    metadata: { name: session.namespace },
    spec: { selectors: [{ cel: { expression } }], ...spec },
  });
}

const devices = (...names: string[]): object[] => names.map((name) => ({ name }));

function request(session: Session, rest: object = {}): object {
  return {
    devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: session.namespace, ...rest } }] },
  };
}

function claim(session: Session, name: string, rest: object = {}): Made {
  return { kind: 'ResourceClaim', metadata: { name }, spec: request(session, rest) } as Made;
}

function template(session: Session, rest: object = {}): Made {
  return {
    kind: 'ResourceClaimTemplate',
    metadata: { name: 'gpu' },
    spec: { spec: request(session, rest) },
  } as Made;
}

/** A spec whose container has the devices of a claim, or of one made from a template. */
const using = (source: object): object => ({
  resourceClaims: [{ name: 'gpu', ...source }],
  containers: [{ ...SERVER, resources: { claims: [{ name: 'gpu' }] } }],
});
const ofClaim = (name: string): object => using({ resourceClaimName: name });
const ofTemplate = using({ resourceClaimTemplateName: 'gpu' });

export const DEVICES: readonly Scenario[] = [
  {
    name: 'a claim gets a device',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await runs(session, 'user');
    },
  },
  {
    name: 'a claim is made from a template, and goes with its pod',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a', 'b'));
      await session.create(template(session, { count: 2 }));
      await session.create(pod('user', ofTemplate));
      await runs(session, 'user');
      await session.count('ResourceClaim', 1);
      await session.quiet();
      await session.delete('Pod', 'user');
      await session.count('ResourceClaim', 0);
    },
  },
  {
    name: 'a claim made from a template is kept while its pod runs',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(template(session));
      await session.create(pod('user', ofTemplate));
      await runs(session, 'user');
    },
  },
  {
    name: 'a device is asked for by two, and goes to the second when the first leaves',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(template(session));
      await session.create(pod('first', ofTemplate));
      await runs(session, 'first');
      await session.create(pod('second', ofTemplate));
      await session.event('FailedScheduling', /cannot allocate all claims/);
      await session.quiet();
      await session.delete('Pod', 'first');
      await runs(session, 'second');
    },
  },
  {
    name: 'a claim is shared by two pods',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(claim(session, 'gpu'));
      for (const name of ['first', 'second']) {
        await session.create(pod(name, ofClaim('gpu')));
        await runs(session, name);
      }
      await session.delete('Pod', 'first');
      await session.has('ResourceClaim', 'gpu', ({ status }) => status?.reservedFor?.length === 1);
    },
  },
  {
    name: 'a claim is free again when its pod is over',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await runs(session, 'user');
      await session.delete('Pod', 'user');
      await session.has('ResourceClaim', 'gpu', ({ status }) => status?.reservedFor === undefined);
      await session.quiet();
      await session.delete('ResourceClaim', 'gpu');
      await session.gone('ResourceClaim', 'gpu');
    },
  },
  {
    name: 'a claim in use is deleted',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await runs(session, 'user');
      await session.delete('ResourceClaim', 'gpu');
      await session.quiet();
      await session.create(pod('late', ofClaim('gpu')));
    },
  },
  {
    name: 'a pod waits for a claim that is missing',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(pod('user', ofClaim('gpu')));
      await session.quiet();
      await session.create(claim(session, 'gpu'));
      await runs(session, 'user');
    },
  },
  {
    name: 'a pod stays without the claim that is missing',
    run: async (session) => {
      await session.create(pod('user', ofClaim('gpu')));
    },
  },
  {
    name: 'a template of claims is missing',
    run: async (session) => {
      await session.create(pod('user', ofTemplate));
      await session.event('FailedResourceClaimCreation');
    },
  },
  {
    name: 'a pod goes before it had its devices',
    run: async (session) => {
      await makeClass(session);
      await session.create(template(session));
      await session.create(pod('user', ofTemplate));
      await session.event('FailedScheduling');
      await session.count('ResourceClaim', 1);
      await session.quiet();
      await session.delete('Pod', 'user');
      await session.count('ResourceClaim', 0);
    },
  },
  {
    name: 'no device is as a claim wants it',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, [
        { name: 'a', attributes: { model: { string: 'small' } }, capacity: { memory: { value: '8Gi' } } },
      ]);
      const expression = `device.attributes["${driverOf(session)}"].model == "large"`;
      await session.create(claim(session, 'gpu', { selectors: [{ cel: { expression } }] }));
      await session.create(pod('user', ofClaim('gpu')));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'a claim chooses among devices of two nodes',
    run: async (session) => {
      await makeClass(session);
      const device = (model: string): object => ({ name: 'a', attributes: { model: { string: model } } });
      await offerDevices(session, [device('small')]);
      await offerDevices(session, [device('large')], 'node-2');
      const expression = `device.attributes["${driverOf(session)}"].model == "large"`;
      await session.create(claim(session, 'gpu', { selectors: [{ cel: { expression } }] }));
      await session.create(pod('user', ofClaim('gpu')));
      await runs(session, 'user');
    },
  },
  {
    name: 'a class of devices is missing',
    run: async (session) => {
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'devices come to a pod that waits',
    run: async (session) => {
      await makeClass(session);
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await session.event('FailedScheduling');
      await offerDevices(session, devices('a'));
      await runs(session, 'user');
    },
  },
  {
    name: 'an administrator has a device that others use',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(claim(session, 'user'));
      await session.create(pod('user', ofClaim('user')));
      await runs(session, 'user');
      await session.refused(session.create(claim(session, 'admin', { adminAccess: true })));
      const labels = { 'resource.kubernetes.io/admin-access': 'true' };
      await session.patch('Namespace', session.namespace, { metadata: { labels } });
      await session.create(claim(session, 'admin', { adminAccess: true }));
      await session.create(pod('admin', ofClaim('admin')));
      await runs(session, 'admin');
    },
  },
  {
    name: 'a device with a taint is for nobody',
    run: async (session) => {
      await makeClass(session);
      const taints = [{ key: 'example.com/hot', value: 'yes', effect: 'NoSchedule' }];
      await offerDevices(session, [{ name: 'a', taints }]);
      await session.create(claim(session, 'gpu'));
      await session.create(pod('user', ofClaim('gpu')));
      await session.event('FailedScheduling');
      const toleration = { key: 'example.com/hot', operator: 'Exists', effect: 'NoSchedule' };
      await session.create(claim(session, 'brave', { tolerations: [toleration] }));
      await session.create(pod('brave', ofClaim('brave')));
      await runs(session, 'brave');
    },
  },
  {
    name: 'a device gets a taint that makes its pod leave',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(template(session));
      const own = podTemplate('web', ofTemplate);
      await session.create(deployment('web', { replicas: 1, template: own }));
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 1);
      await session.quiet();
      const timeAdded = '2026-01-01T00:00:00Z';
      const taints = [{ key: 'example.com/hot', value: 'yes', effect: 'NoExecute', timeAdded }];
      await session.patch('ResourceSlice', sliceOf(session), { spec: { devices: [{ name: 'a', taints }] } });
      await session.event('FailedScheduling');
      await session.count('Pod', 1);
    },
  },
  {
    name: 'the first of several kinds of devices that there are',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      const subrequest = (name: string, count: number): object => ({
        name,
        deviceClassName: session.namespace,
        count,
      });
      const firstAvailable = [subrequest('two', 2), subrequest('one', 1)];
      await session.create({
        kind: 'ResourceClaim',
        metadata: { name: 'gpu' },
        spec: { devices: { requests: [{ name: 'gpu', firstAvailable }] } },
      });
      await session.create(pod('user', ofClaim('gpu')));
      await runs(session, 'user');
    },
  },
  {
    name: 'devices stand for an extended resource',
    run: async (session) => {
      const resource = `scenario.example.com/${session.namespace}`;
      await makeClass(session, { extendedResourceName: resource });
      await offerDevices(session, devices('a'));
      const limits = { [resource]: '1' };
      const spec = { containers: [{ ...SERVER, resources: { limits } }] };
      await session.create(pod('first', spec));
      await runs(session, 'first');
      await session.create(pod('second', spec));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'a job whose pod uses a device',
    run: async (session) => {
      await makeClass(session);
      await offerDevices(session, devices('a'));
      await session.create(template(session));
      const { spec } = job('work') as unknown as { spec: { template: { spec: { containers: object[] } } } };
      const [container] = spec.template.spec.containers;
      const resources = { claims: [{ name: 'gpu' }] };
      const containers = [{ ...container, resources }];
      const resourceClaims = [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }];
      const own = { spec: { ...spec.template.spec, containers, resourceClaims } };
      await session.create(job('work', { template: own }));
      await session.condition('Job', 'work', 'Complete', 'True');
      await session.count('ResourceClaim', 0);
    },
  },
];
