/** The scheduler's algorithm on nodes and pods that exist in memory only. */
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { SeededRandom } from '../../api/machinery/random.ts';
import type { Informer } from '../../controllers/runtime/controller.ts';
import { SchedulerCache } from '../../controllers/scheduler/cache.ts';
import type { DeviceCaches } from '../../controllers/scheduler/devices/caches.ts';
import { Nominations } from '../../controllers/scheduler/nominations.ts';
import type { Surroundings } from '../../controllers/scheduler/plugin.ts';
import type { VolumeCaches } from '../../controllers/scheduler/plugins/volumes.ts';
import { DEFAULT_PROFILE, newProfile } from '../../controllers/scheduler/profile.ts';
import { Scheduling } from '../../controllers/scheduler/scheduling.ts';
import type { VolumeBinder } from '../../controllers/scheduler/volume-binder.ts';
import type { ReplicaSet } from '../../openapi/generated/apps-v1.ts';
import type { Node, Pod } from '../../openapi/generated/core-v1.ts';
import { now } from './measure.ts';

const ZONES = ['a', 'b', 'c'];
const DEPLOYMENTS = 20;

/** Places pods of some deployments on `count` nodes of three zones, and takes each round's pods away again. */
export function schedulingOn(count: number): { place(pods: number): Promise<number> } {
  const cache = new SchedulerCache();
  for (let i = 0; i < count; i++) cache.setNode(node(i));
  const sets = new Map(Array.from({ length: DEPLOYMENTS }, (_, i) => [`default/rs-${i}`, replicaSet(i)]));
  const around: Surroundings = {
    cache,
    // No pod of these has claims or asks for devices.
    volumes: {} as VolumeCaches,
    volumeBinder: {} as VolumeBinder,
    workloads: {
      services: informer(),
      controllers: informer(),
      replicaSets: informer(sets),
      statefulSets: informer(),
    },
    namespaces: informer(),
    devices: { extended: { revision: 0, classFor: () => undefined } } as unknown as DeviceCaches,
  };
  const profile = newProfile(DEFAULT_PROFILE);
  const scheduling = new Scheduling(around, new Nominations(), new SeededRandom('bench'));
  let made = 0;
  return {
    place: (pods) => {
      const batch = Array.from({ length: pods }, () => pod(made++));
      const began = now();
      for (const each of batch) {
        const outcome = scheduling.find(each, profile);
        if (!('node' in outcome)) throw new Error('a pod found no node');
        cache.place(each, outcome.node.name);
      }
      const seconds = (now() - began) / 1000;
      for (const { metadata } of batch) cache.release(metadata.uid!);
      return Promise.resolve(pods / seconds);
    },
  };
}

function informer<T extends KubeObject>(objects: ReadonlyMap<string, T> = new Map()): Informer<T> {
  return {
    get: (key: string) => objects.get(key),
    list: () => [...objects.values()],
    byIndex: () => [],
  } as Partial<Informer<T>> as Informer<T>;
}

function node(index: number): Node {
  const labels = {
    'kubernetes.io/hostname': `node-${index}`,
    'topology.kubernetes.io/zone': ZONES[index % ZONES.length]!,
  };
  const allocatable = { cpu: '32', memory: '128Gi', pods: '250' };
  return { metadata: { name: `node-${index}`, labels }, spec: {}, status: { allocatable } } as Node;
}

function replicaSet(index: number): ReplicaSet {
  const spec = { selector: { matchLabels: { app: `app-${index}` } } };
  return { metadata: { name: `rs-${index}`, namespace: 'default' }, spec } as unknown as ReplicaSet;
}

function pod(index: number): Pod {
  const app = index % DEPLOYMENTS;
  return {
    metadata: {
      name: `pod-${index}`,
      namespace: 'default',
      uid: `uid-${index}`,
      labels: { app: `app-${app}` },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `rs-${app}`, uid: `rs-${app}`, controller: true },
      ],
    },
    spec: {
      containers: [
        { name: 'main', image: 'app:1', resources: { requests: { cpu: '100m', memory: '128Mi' } } },
      ],
    },
    status: {},
  } as unknown as Pod;
}
