import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NodeShape, type PodShape, startSchedulerHarness, type SchedulerHarness } from './cluster.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness();
});
afterEach(() => harness.stop());

const taint = (effect: string, key = 'team', value = 'a') => ({ key, value, effect });
const anti = (app: string, topologyKey = 'kubernetes.io/hostname') => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey, labelSelector: { matchLabels: { app } } },
    ],
  },
});
const near = (app: string, topologyKey = 'zone') => ({
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey, labelSelector: { matchLabels: { app } } },
    ],
  },
});
const spread = (maxSkew: number, topologyKey = 'zone', more: object = {}) => [
  {
    maxSkew,
    topologyKey,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'web' } },
    ...more,
  },
];
const required = (terms: object[]) =>
  ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  }) as never;

interface Case {
  readonly name: string;
  readonly nodes: readonly (Partial<NodeShape> | undefined)[];
  /** Placed before, in order. */
  readonly others?: readonly PodShape[];
  readonly pod: PodShape;
  /** Where it goes (nodes are n1, n2, ...), or why nowhere. */
  readonly node?: string;
  readonly problem?: string;
}

const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
const NO_VICTIMS = 'No preemption victims found for incoming pod';
const zones = [{ labels: { zone: 'a' } }, { labels: { zone: 'b' } }];

const cases: readonly Case[] = [
  { name: 'goes to the node with room', nodes: [{ cpu: '1' }, { cpu: '4' }], pod: { cpu: '2' }, node: 'n2' },
  {
    name: 'names each resource that is short',
    nodes: [{ cpu: '1', memory: '1Gi' }],
    others: [{ cpu: '500m' }],
    pod: { cpu: '600m', memory: '2Gi' },
    problem: `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
  },
  {
    name: 'counts reasons over nodes, sorted as text',
    nodes: [{ cpu: '1' }, { cpu: '1' }, { spec: { taints: [taint('NoSchedule')] } }],
    others: [{ cpu: '600m' }, { cpu: '600m' }],
    pod: { cpu: '500m' },
    problem: `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 ${NOT_HELPFUL}, 2 ${NO_VICTIMS}.`,
  },
  {
    name: 'counts pods',
    nodes: [{ pods: '1' }],
    others: [{}],
    pod: {},
    problem: `0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
  },
  {
    name: 'extended resources',
    nodes: [undefined, { more: { 'example.com/gpu': '2' } }],
    pod: { more: { 'example.com/gpu': '1' } },
    node: 'n2',
  },
  {
    name: 'a cordoned node',
    nodes: [{ spec: { unschedulable: true } }],
    pod: {},
    problem: `0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
  },
  {
    name: 'a cordoned node, tolerated',
    nodes: [{ spec: { unschedulable: true } }],
    pod: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
    node: 'n1',
  },
  {
    name: 'a taint, tolerated by value',
    nodes: [{ spec: { taints: [taint('NoExecute')] } }],
    pod: { tolerations: [{ key: 'team', value: 'a', effect: 'NoExecute' }] },
    node: 'n1',
  },
  {
    name: 'a taint of another value',
    nodes: [{ spec: { taints: [taint('NoExecute')] } }],
    pod: { tolerations: [{ key: 'team', value: 'b' }] },
    problem: `0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
  },
  {
    name: 'prefers nodes without soft taints',
    nodes: [{ cpu: '64', spec: { taints: [taint('PreferNoSchedule')] } }, undefined],
    pod: { cpu: '1', memory: '1Gi' },
    node: 'n2',
  },
  { name: 'a node selector', nodes: zones, pod: { nodeSelector: { zone: 'b' } }, node: 'n2' },
  {
    name: 'a node selector that nothing meets',
    nodes: zones,
    pod: { nodeSelector: { zone: 'c' } },
    problem: `0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 ${NOT_HELPFUL}.`,
  },
  {
    name: 'node affinity by operator',
    nodes: [{ labels: { cores: '4' } }, { labels: { cores: '16' } }],
    pod: { affinity: required([{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['8'] }] }]) },
    node: 'n2',
  },
  {
    name: 'a node by name that has no room leaves the others out of it',
    nodes: [{ cpu: '1' }, undefined],
    pod: {
      cpu: '2',
      affinity: required([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }]),
    },
    problem: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/2 nodes are available: 2 ${NOT_HELPFUL}.`,
  },
  {
    name: 'preferred node affinity',
    nodes: zones,
    pod: {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 100,
              preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] },
            },
          ],
        },
      },
    },
    node: 'n2',
  },
  {
    name: 'a port in use',
    nodes: [undefined],
    others: [{ hostPort: 80 }],
    pod: { hostPort: 80 },
    problem: `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
  },
  {
    name: 'affinity to pods of a zone',
    nodes: zones,
    others: [{ labels: { app: 'db' }, nodeSelector: { zone: 'b' } }],
    pod: { affinity: near('db') },
    node: 'n2',
  },
  {
    name: 'affinity to nobody',
    nodes: zones,
    pod: { affinity: near('db') },
    problem: `0/2 nodes are available: 2 node(s) didn't match pod affinity rules. no new claims to deallocate, preemption: 0/2 nodes are available: 2 ${NOT_HELPFUL}.`,
  },
  {
    name: 'affinity to its own kind, the first of it',
    nodes: [{ labels: { zone: 'a' } }],
    pod: { labels: { app: 'db' }, affinity: near('db') },
    node: 'n1',
  },
  {
    name: 'anti-affinity of its own',
    nodes: [undefined],
    others: [{ labels: { app: 'web' } }],
    pod: { affinity: anti('web') },
    problem: `0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
  },
  {
    name: 'anti-affinity of a pod that is there',
    nodes: [undefined],
    others: [{ affinity: anti('web') }],
    pod: { labels: { app: 'web' } },
    problem: `0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NO_VICTIMS}.`,
  },
  {
    name: 'topology spread, the emptier zone',
    nodes: [{ cpu: '64', labels: { zone: 'a' } }, { labels: { zone: 'b' } }],
    others: [{ labels: { app: 'web' }, nodeSelector: { zone: 'a' } }],
    pod: { labels: { app: 'web' }, topologySpreadConstraints: spread(1) as never },
    node: 'n2',
  },
  ...[
    { what: 'hosts', key: 'kubernetes.io/hostname' },
    { what: 'zones', key: 'topology.kubernetes.io/zone' },
    { what: 'racks', key: 'example.com/rack' },
  ].map(({ what, key }) => ({
    name: `topology spread that only prefers, over ${what}`,
    nodes: [{ cpu: '64', labels: { [key]: 'a' } }, { labels: { [key]: 'b' } }],
    others: [{ labels: { app: 'web' }, nodeSelector: { [key]: 'a' } }],
    pod: {
      labels: { app: 'web' },
      topologySpreadConstraints: spread(1, key, { whenUnsatisfiable: 'ScheduleAnyway' }) as never,
    },
    node: 'n2',
  })),
  {
    name: 'topology spread that cannot be kept',
    nodes: [{ labels: { zone: 'a' } }, { labels: { zone: 'b' }, cpu: '100m' }],
    others: [{ labels: { app: 'web' }, nodeSelector: { zone: 'a' } }],
    pod: { cpu: '1', labels: { app: 'web' }, topologySpreadConstraints: spread(1) as never },
    problem: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints. no new claims to deallocate, preemption: 0/2 nodes are available: 1 ${NO_VICTIMS}, 1 ${NOT_HELPFUL}.`,
  },
  {
    name: 'topology spread on nodes without the label',
    nodes: [undefined],
    pod: { labels: { app: 'web' }, topologySpreadConstraints: spread(1) as never },
    problem: `0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label). no new claims to deallocate, preemption: 0/1 nodes are available: 1 ${NOT_HELPFUL}.`,
  },
  {
    name: 'topology spread with too few domains',
    nodes: zones,
    others: [
      { labels: { app: 'web' }, nodeSelector: { zone: 'a' } },
      { labels: { app: 'web' }, nodeSelector: { zone: 'b' } },
    ],
    pod: { labels: { app: 'web' }, topologySpreadConstraints: spread(1, 'zone', { minDomains: 3 }) as never },
    problem: `0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints. no new claims to deallocate, preemption: 0/2 nodes are available: 2 ${NO_VICTIMS}.`,
  },
  {
    name: 'a claim that does not exist',
    nodes: [undefined],
    pod: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] as never },
    problem: '0/1 nodes are available: persistentvolumeclaim "data" not found. not found',
  },
  { name: 'no nodes at all', nodes: [], pod: {}, problem: 'no nodes available to schedule pods' },
];

describe('a pod', () => {
  it.each(cases)('$name', async ({ nodes, others = [], pod, node, problem }) => {
    for (const [i, shape] of nodes.entries()) await harness.node(`n${i + 1}`, shape);
    for (const [i, shape] of others.entries()) await harness.pod(`other-${i}`, shape);
    await harness.pod('pod', pod);
    expect(await harness.problemOf('pod')).toBe(problem);
    expect(await harness.placeOf('pod')).toBe(node ?? '');
    if (problem !== undefined)
      expect(await harness.events()).toContain(`Warning FailedScheduling ${problem}`);
    expect(harness.logs).toEqual([]);
  });
});
