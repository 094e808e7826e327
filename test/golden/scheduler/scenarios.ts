/** Clusters made by chance, with one pod to be placed: tried on the real scheduler (record-scenarios.ts) and on kubemu's. */
import { SeededRandom, type Random } from '../../../api/machinery/random.ts';

/** Objects as a client would create them, in this order. */
export interface Scenario {
  readonly seed: string;
  readonly objects: readonly ScenarioObject[];
  /** The pod to be placed, in the namespace default. */
  readonly pod: ScenarioObject;
}

export interface ScenarioObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** What came of it. */
export interface ScenarioOutcome {
  readonly node?: string;
  /** Of the PodScheduled condition. */
  readonly message?: string;
  readonly nominated?: string;
  /** Pods evicted for it. */
  readonly victims?: readonly string[];
  /** Weighted scores of each node, by plugin. */
  readonly scores?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface RecordedScenario extends Scenario {
  readonly outcome: ScenarioOutcome;
}

class Dice {
  readonly #random: Random;
  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
  }
  /** From `min` to `max`, both met. */
  number(min: number, max: number): number {
    return min + (this.#random.uint32() % (max - min + 1));
  }
  chance(share: number): boolean {
    return this.#random.uint32() < share * 2 ** 32;
  }
  pick<T>(values: readonly T[]): T {
    return values[this.number(0, values.length - 1)]!;
  }
  some<T>(values: readonly T[], share: number): T[] {
    return values.filter(() => this.chance(share));
  }
}

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const APPS = ['a', 'b', 'c'];
const DEFAULT = 'default';
const IMAGES = ['small:1', 'large:1', 'huge'];
const IMAGE_BYTES: Readonly<Record<string, number>> = { 'small:1': 30e6, 'large:1': 400e6, huge: 1_500e6 };

export function makeScenario(seed: string): Scenario {
  const dice = new Dice(seed);
  const nodes = Array.from({ length: dice.number(1, 6) }, (_, i) => node(dice, `n${i}`));
  const names = nodes.map(({ metadata }) => metadata.name);
  const placed = Array.from({ length: dice.number(0, 10) }, (_, i) => {
    const { metadata, spec } = pod(dice, `placed-${i}`, names, true);
    const status = { phase: 'Running', startTime: `2026-01-01T00:00:${dice.number(10, 59)}Z` };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...(spec as object), nodeName: dice.pick(names) },
      status,
    };
  });
  const wanted = pod(dice, 'wanted', names, false);
  const { objects, volumes } = dice.chance(0.3) ? storage(dice, names) : { objects: [], volumes: [] };
  if (volumes.length > 0) (wanted.spec as Record<string, unknown>)['volumes'] = volumes;
  return {
    seed,
    objects: [...services(dice), ...budgets(dice), ...objects, ...nodes, ...placed],
    pod: wanted,
  };
}

function node(dice: Dice, name: string): ScenarioObject {
  const zone = dice.pick(['z1', 'z2', 'z3', undefined]);
  const taints = dice.some(
    [
      { key: 'dedicated', value: 'x', effect: 'NoSchedule' },
      { key: 'slow', effect: 'PreferNoSchedule' },
      { key: 'old', effect: 'PreferNoSchedule' },
      { key: 'broken', value: 'y', effect: 'NoExecute' },
    ],
    0.12,
  );
  const capacity = {
    cpu: dice.pick(['1', '2', '4', '3500m']),
    memory: dice.pick(['1Gi', '2Gi', '4Gi']),
    pods: dice.pick(['2', '5', '110']),
    ...(dice.chance(0.3) ? { 'example.com/gpu': dice.pick(['1', '4']) } : {}),
    ...(dice.chance(0.5) ? { 'ephemeral-storage': '10Gi' } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        ...(dice.chance(0.9) ? { [HOST]: name } : {}),
        ...(zone === undefined ? {} : { [ZONE]: zone }),
        ...(dice.chance(0.5) ? { disk: dice.pick(['ssd', 'hdd']) } : {}),
        ...(dice.chance(0.3) ? { cores: dice.pick(['2', '8', 'many']) } : {}),
      },
    },
    spec: {
      ...(taints.length === 0 ? {} : { taints }),
      ...(dice.chance(0.08) ? { unschedulable: true } : {}),
    },
    status: {
      capacity,
      allocatable: capacity,
      images: dice.some(IMAGES, 0.3).map((image) => ({
        names: [image === 'huge' ? 'huge:latest' : image],
        sizeBytes: IMAGE_BYTES[image],
      })),
    },
  };
}

function container(dice: Dice, name: string, ports: boolean): object {
  const requests = {
    ...(dice.chance(0.7) ? { cpu: dice.pick(['100m', '500m', '1', '2']) } : {}),
    ...(dice.chance(0.7) ? { memory: dice.pick(['100Mi', '512Mi', '1Gi']) } : {}),
    ...(dice.chance(0.1) ? { 'ephemeral-storage': '6Gi' } : {}),
  };
  const gpus = dice.chance(0.1) ? { 'example.com/gpu': '1' } : {};
  return {
    name,
    image: dice.pick(IMAGES),
    resources: {
      ...(Object.keys(requests).length + Object.keys(gpus).length === 0 ? {} : { requests: { ...requests, ...gpus } }),
      ...(Object.keys(gpus).length === 0 ? {} : { limits: gpus }),
    },
    ...(ports && dice.chance(0.15)
      ? {
          ports: [
            {
              containerPort: 80,
              hostPort: dice.pick([8080, 9090]),
              protocol: dice.pick(['TCP', 'UDP']),
              ...(dice.chance(0.3) ? { hostIP: dice.pick(['127.0.0.1', '127.0.0.2']) } : {}),
            },
          ],
        }
      : {}),
  };
}

function pod(dice: Dice, name: string, nodes: readonly string[], isPlaced: boolean): ScenarioObject {
  const tolerations = dice.some(
    [
      { key: 'dedicated', operator: 'Exists' },
      { key: 'slow', operator: 'Exists', effect: 'PreferNoSchedule' },
      { key: 'broken', operator: 'Equal', value: 'y' },
      { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' },
    ],
    0.15,
  );
  const affinity = affinityOf(dice, nodes);
  const constraints = isPlaced ? [] : spread(dice);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: isPlaced && dice.chance(0.15) ? 'kube-public' : DEFAULT,
      labels: {
        ...(dice.chance(0.85) ? { app: dice.pick(APPS) } : {}),
        ...(dice.chance(0.4) ? { version: dice.pick(['1', '2']) } : {}),
      },
    },
    spec: {
      terminationGracePeriodSeconds: 3600,
      containers: [
        container(dice, 'main', true),
        ...(dice.chance(0.25) ? [container(dice, 'more', false)] : []),
      ],
      ...(dice.chance(0.15)
        ? {
            initContainers: [
              { ...container(dice, 'init', false), ...(dice.chance(0.5) ? { restartPolicy: 'Always' } : {}) },
            ],
          }
        : {}),
      ...(dice.chance(0.05) ? { resources: { requests: { cpu: '4', memory: '2Gi' } } } : {}),
      priorityClassName: dice.pick(isPlaced ? ['low', 'low', 'middle'] : ['low', 'middle', 'high', 'never']),
      ...(tolerations.length === 0 ? {} : { tolerations }),
      ...(dice.chance(0.15) ? { nodeSelector: { disk: dice.pick(['ssd', 'hdd']) } } : {}),
      ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
      ...(constraints.length === 0 ? {} : { topologySpreadConstraints: constraints }),
    },
  };
}

function nodeTerm(dice: Dice, nodes: readonly string[]): object {
  if (dice.chance(0.15)) {
    const matchFields = [{ key: 'metadata.name', operator: dice.pick(['In', 'NotIn']), values: [dice.pick([...nodes, 'gone'])] }];
    return { matchFields };
  }
  return {
    matchExpressions: [
      dice.pick<object>([
        { key: 'disk', operator: 'In', values: ['ssd'] },
        { key: 'disk', operator: 'NotIn', values: ['ssd'] },
        { key: ZONE, operator: 'Exists' },
        { key: 'disk', operator: 'DoesNotExist' },
        { key: 'cores', operator: 'Gt', values: ['4'] },
        { key: 'cores', operator: 'Lt', values: ['4'] },
      ]),
    ],
  };
}

function podTerm(dice: Dice): object {
  return {
    topologyKey: dice.pick([ZONE, HOST, 'disk']),
    ...(dice.chance(0.93)
      ? {
          labelSelector: dice.pick<object>([
            { matchLabels: { app: dice.pick(APPS) } },
            { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
            { matchExpressions: [{ key: 'version', operator: 'DoesNotExist' }] },
            {},
          ]),
        }
      : {}),
    ...(dice.chance(0.15) ? { namespaces: ['kube-public'] } : {}),
    ...(dice.chance(0.15)
      ? { namespaceSelector: dice.pick<object>([{}, { matchLabels: { 'kubernetes.io/metadata.name': 'kube-public' } }]) }
      : {}),
  };
}

function affinityOf(dice: Dice, nodes: readonly string[]): object {
  const weighted = (): object[] =>
    Array.from({ length: dice.number(1, 2) }, () => ({ weight: dice.number(1, 100), podAffinityTerm: podTerm(dice) }));
  const nodeAffinity = {
    ...(dice.chance(0.12)
      ? {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: Array.from({ length: dice.number(1, 2) }, () => nodeTerm(dice, nodes)),
          },
        }
      : {}),
    ...(dice.chance(0.2)
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: Array.from({ length: dice.number(1, 2) }, () => ({
            weight: dice.number(1, 100),
            preference: nodeTerm(dice, nodes),
          })),
        }
      : {}),
  };
  const podRules = (required: number, preferred: number): object => ({
    ...(dice.chance(required) ? { requiredDuringSchedulingIgnoredDuringExecution: [podTerm(dice)] } : {}),
    ...(dice.chance(preferred) ? { preferredDuringSchedulingIgnoredDuringExecution: weighted() } : {}),
  });
  const rules = { nodeAffinity, podAffinity: podRules(0.12, 0.15), podAntiAffinity: podRules(0.15, 0.15) };
  return Object.fromEntries(Object.entries(rules).filter(([, each]) => Object.keys(each).length > 0));
}

function spread(dice: Dice): object[] {
  if (!dice.chance(0.3)) return [];
  const keys = dice.some([ZONE, HOST, 'disk'], 0.6);
  return keys.map((topologyKey) => {
    const whenUnsatisfiable = dice.pick(['DoNotSchedule', 'ScheduleAnyway']);
    return {
      topologyKey,
      whenUnsatisfiable,
      maxSkew: dice.number(1, 2),
      labelSelector: dice.pick<object>([{ matchLabels: { app: 'a' } }, { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, {}]),
      ...(dice.chance(0.3) ? { matchLabelKeys: ['version'] } : {}),
      ...(whenUnsatisfiable === 'DoNotSchedule' && dice.chance(0.3) ? { minDomains: dice.number(1, 4) } : {}),
      ...(dice.chance(0.3) ? { nodeAffinityPolicy: dice.pick(['Honor', 'Ignore']) } : {}),
      ...(dice.chance(0.3) ? { nodeTaintsPolicy: dice.pick(['Honor', 'Ignore']) } : {}),
    };
  });
}

function services(dice: Dice): ScenarioObject[] {
  if (!dice.chance(0.5)) return [];
  const selector = dice.pick<object>([{ app: 'a' }, { app: 'b' }, { version: '1' }]);
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: DEFAULT },
      spec: { clusterIP: 'None', selector, ports: [{ port: 80 }] },
    },
  ];
}

function budgets(dice: Dice): ScenarioObject[] {
  if (!dice.chance(0.3)) return [];
  return [
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b', namespace: DEFAULT },
      spec: { minAvailable: 1, selector: { matchLabels: { app: dice.pick(APPS) } } },
      status: { disruptionsAllowed: dice.number(0, 1), currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    },
  ];
}

/** Claims of a pod, bound or not, with their volumes and classes. */
function storage(dice: Dice, nodes: readonly string[]): { objects: ScenarioObject[]; volumes: object[] } {
  const className = dice.pick(['waiting', 'immediate', 'local']);
  const modes = [dice.pick(['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod'])];
  const isBound = dice.chance(0.5);
  const affinity = {
    required: {
      nodeSelectorTerms: [
        dice.chance(0.5)
          ? { matchExpressions: [{ key: HOST, operator: 'In', values: [dice.pick(nodes)] }] }
          : { matchExpressions: [{ key: ZONE, operator: 'In', values: [dice.pick(['z1', 'z2'])] }] },
      ],
    },
  };
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'v', labels: dice.chance(0.3) ? { [ZONE]: dice.pick(['z1', 'z1__z2']) } : {} },
    spec: {
      accessModes: modes,
      capacity: { storage: dice.pick(['1Gi', '5Gi']) },
      storageClassName: className,
      hostPath: { path: '/v' },
      ...(dice.chance(0.5) ? { nodeAffinity: affinity } : {}),
      ...(isBound ? { claimRef: { namespace: DEFAULT, name: 'c' } } : {}),
    },
    ...(isBound ? { status: { phase: 'Bound' } } : { status: { phase: 'Available' } }),
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'c',
      namespace: DEFAULT,
      ...(isBound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}),
    },
    spec: {
      accessModes: modes,
      storageClassName: className,
      resources: { requests: { storage: '1Gi' } },
      ...(isBound ? { volumeName: 'v' } : {}),
    },
    status: isBound ? { phase: 'Bound' } : { phase: 'Pending' },
  };
  return {
    objects: [...dice.some<ScenarioObject>([volume], 0.8), ...dice.some<ScenarioObject>([claim], 0.9)],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
  };
}

/** What every scenario has, created once. */
export const COMMON: readonly ScenarioObject[] = [
  ...([['low', 0], ['middle', 100], ['high', 1000], ['never', 1000]] as const).map(([name, value]) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    ...(name === 'never' ? { preemptionPolicy: 'Never' } : {}),
  })),
  ...([['waiting', 'example.com/p', 'WaitForFirstConsumer'], ['immediate', 'example.com/p', 'Immediate'], ['local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer']] as const).map(
    ([name, provisioner, volumeBindingMode]) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      provisioner,
      volumeBindingMode,
    }),
  ),
];
