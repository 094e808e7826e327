import { describe, expect, it } from 'vitest';
import { isInScope, isQuotaNameOf, quotaUsage } from '../../../api/groups/core/quota.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { formatQuantity } from '../../../api/machinery/quantity.ts';

function usage(resource: string, object: object): Record<string, string> {
  const counted = quotaUsage({ group: '', resource }, { metadata: {}, ...object } as UnknownObject);
  return Object.fromEntries([...counted].map(([name, amount]) => [name, formatQuantity(amount)]));
}

const podOf = (resources: object, more: object = {}): object => ({
  spec: { containers: [{ name: 'a', image: 'a', resources }], ...more },
  status: {},
});

const claimOf = (
  storage: string,
  more: { metadata?: object; spec?: object; status?: object } = {},
): object => ({
  metadata: more.metadata ?? {},
  spec: { resources: { requests: { storage } }, ...more.spec },
  status: more.status ?? {},
});

describe('what an object takes of a quota', () => {
  it('has the overhead of a pod in its requests, and in limits where it has some', () => {
    const overhead = { cpu: '100m', memory: '10Mi' };
    const object = podOf({ requests: { cpu: '1' }, limits: { cpu: '2' } }, { overhead });
    expect(usage('pods', object)).toEqual({
      'count/pods': '1',
      pods: '1',
      cpu: '1100m',
      memory: '10Mi',
      'requests.cpu': '1100m',
      'requests.memory': '10Mi',
      'limits.cpu': '2100m',
    });
  });

  it('has devices and huge pages as requests alone', () => {
    const amounts = { 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi', 'kubernetes.io/odd': '1' };
    expect(usage('pods', podOf({ requests: amounts, limits: amounts }))).toEqual({
      'count/pods': '1',
      pods: '1',
      'requests.example.com/gpu': '2',
      'hugepages-2Mi': '4Mi',
      'requests.hugepages-2Mi': '4Mi',
    });
  });

  const ports = [{ port: 80, nodePort: 30080 }, { port: 81 }];
  it.each([
    { name: 'every port of a node port service', spec: { type: 'NodePort' }, want: '2' },
    { name: 'every port of a load balancer', spec: { type: 'LoadBalancer' }, want: '2' },
    {
      name: 'ports that a load balancer asks for by number where it gets none else',
      spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
      want: '1',
    },
    { name: 'no port of others', spec: { type: 'ClusterIP' }, want: undefined },
  ])('has $name', ({ spec, want }) => {
    expect(usage('services', { spec: { ...spec, ports } })['services.nodeports']).toBe(want);
  });

  it.each([
    { name: 'what it asks for, in whole bytes', claim: claimOf('1500m'), want: '2' },
    {
      name: 'what it was given if that is more',
      claim: claimOf('1Gi', { status: { allocatedResources: { storage: '2Gi' } } }),
      want: '2Gi',
    },
    {
      name: 'what it asks for if that is more',
      claim: claimOf('3Gi', { status: { allocatedResources: { storage: '2Gi' } } }),
      want: '3Gi',
    },
  ])('has of a claim $name', ({ claim, want }) => {
    expect(usage('persistentvolumeclaims', claim)['requests.storage']).toBe(want);
  });

  it('has the class of a claim by its annotation, too', () => {
    const annotations = { 'volume.beta.kubernetes.io/storage-class': 'old' };
    const claim = claimOf('1Gi', { metadata: { annotations }, spec: { storageClassName: 'new' } });
    expect(Object.keys(usage('persistentvolumeclaims', claim))).toContain(
      'old.storageclass.storage.k8s.io/requests.storage',
    );
  });
});

describe('names of a quota', () => {
  it.each([
    ['pods', 'requests.example.com/gpu', true],
    ['pods', 'requests.deviceclass.resource.kubernetes.io/gpu', true],
    ['pods', 'limits.example.com/gpu', false],
    ['pods', 'requests.kubernetes.io/gpu', false],
    ['persistentvolumeclaims', 'a.storageclass.storage.k8s.io/requests.storage', true],
    ['persistentvolumeclaims', 'a.storageclass.storage.k8s.io/others', false],
  ])('of %s: %s', (resource, name, expected) => {
    expect(isQuotaNameOf({ group: '', resource }, name)).toBe(expected);
  });
});

describe('the scope of a quota', () => {
  const inScope = (resource: string, requirement: object, object: object): boolean =>
    isInScope(
      { metadata: {}, spec: { scopeSelector: { matchExpressions: [requirement] } } } as never,
      { group: '', resource },
      { metadata: {}, ...object } as UnknownObject,
    );
  const classes = (operator: string, ...values: string[]): object => ({
    scopeName: 'VolumeAttributesClass',
    operator,
    ...(values.length === 0 ? {} : { values }),
  });
  const gold = claimOf('1Gi', { spec: { volumeAttributesClassName: 'gold' } });
  const moving = claimOf('1Gi', {
    spec: { volumeAttributesClassName: 'gold' },
    status: { currentVolumeAttributesClassName: 'silver' },
  });

  it.each([
    { requirement: classes('Exists'), claim: gold, expected: true },
    { requirement: classes('Exists'), claim: claimOf('1Gi'), expected: false },
    { requirement: classes('DoesNotExist'), claim: claimOf('1Gi'), expected: true },
    { requirement: classes('In', 'gold'), claim: gold, expected: true },
    { requirement: classes('In', 'silver'), claim: gold, expected: false },
    { requirement: classes('In', 'silver'), claim: moving, expected: true },
    { requirement: { scopeName: 'BestEffort', operator: 'Exists' }, claim: gold, expected: false },
  ])('takes a claim in by its classes: $requirement $expected', ({ requirement, claim, expected }) => {
    expect(inScope('persistentvolumeclaims', requirement, claim)).toBe(expected);
  });

  it('takes a pod for one of best effort whatever its overhead', () => {
    const requirement = { scopeName: 'BestEffort', operator: 'Exists' };
    expect(inScope('pods', requirement, podOf({}, { overhead: { cpu: '1' } }))).toBe(true);
  });
});
