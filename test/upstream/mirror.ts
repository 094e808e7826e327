/** Follows what a cluster holds, by watches. */
import type { Api, Loose, WatchEvent } from './api.ts';

/** What is followed, by path: everything controllers write. */
const COLLECTIONS = [
  '/api/v1/configmaps',
  '/api/v1/endpoints',
  '/api/v1/events',
  '/api/v1/namespaces',
  '/api/v1/nodes',
  '/api/v1/persistentvolumeclaims',
  '/api/v1/persistentvolumes',
  '/api/v1/pods',
  '/api/v1/podtemplates',
  '/api/v1/replicationcontrollers',
  '/api/v1/resourcequotas',
  '/api/v1/secrets',
  '/api/v1/serviceaccounts',
  '/api/v1/services',
  '/apis/apps/v1/controllerrevisions',
  '/apis/apps/v1/daemonsets',
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/replicasets',
  '/apis/apps/v1/statefulsets',
  '/apis/autoscaling/v2/horizontalpodautoscalers',
  '/apis/batch/v1/cronjobs',
  '/apis/batch/v1/jobs',
  '/apis/certificates.k8s.io/v1/certificatesigningrequests',
  '/apis/coordination.k8s.io/v1/leases',
  '/apis/discovery.k8s.io/v1/endpointslices',
  '/apis/networking.k8s.io/v1/ipaddresses',
  '/apis/networking.k8s.io/v1/servicecidrs',
  '/apis/policy/v1/poddisruptionbudgets',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/resource.k8s.io/v1/resourceclaims',
  '/apis/storage.k8s.io/v1/volumeattachments',
  '/apis/storage.k8s.io/v1/volumeattributesclasses',
] as const;

/** Marks objects of no namespace that a scenario makes, with the scenario's. */
export const SCENARIO_LABEL = 'scenario';

/** How long nothing may have happened for things to be over: processes of others do not tell when they are done. */
const QUIET_MS = 2_500;

interface Waiter {
  wake(change: Loose): void;
}

export class Mirror {
  readonly #objects = new Map<string, Loose>();
  /** As first seen, gone or not, in order. */
  readonly #firsts = new Map<string, Loose>();
  /** The newest resourceVersion seen, by kind; those followed have one. */
  readonly #revisions = new Map<string, number>();
  /** Namespaces of volumes, by name. */
  readonly #ownerOf = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();
  readonly #ends: (() => void)[] = [];

  /** Resolves once everything that is there is known. */
  async follow(api: Api): Promise<void> {
    const take = (event: WatchEvent): void => this.#take(event);
    const followed = await Promise.all(COLLECTIONS.map((path) => api.follow(path, take)));
    for (const { kind, end } of followed) {
      if (!this.#revisions.has(kind)) this.#revisions.set(kind, 0);
      this.#ends.push(end);
    }
  }

  stop(): void {
    for (const end of this.#ends) end();
  }

  /** Whether objects of this kind are seen. */
  follows(kind: string): boolean {
    return this.#revisions.has(kind);
  }

  /** Whether everything that was written of a kind up to a resourceVersion has been seen, gone since or not. */
  cameTo(kind: string, resourceVersion: number): boolean {
    return (this.#revisions.get(kind) ?? 0) >= resourceVersion;
  }

  /** Objects of a kind, oldest first; of one namespace unless it is empty. */
  list(kind: string, namespace = ''): Loose[] {
    const found = [...this.#objects.values()].filter(
      (object) => object['kind'] === kind && (namespace === '' || object.metadata.namespace === namespace),
    );
    return found.sort((a, b) => creation(a).localeCompare(creation(b)));
  }

  get(kind: string, name: string, namespace = ''): Loose | undefined {
    return this.#objects.get(`${kind}/${namespace}/${name}`);
  }

  /** Everything in a namespace, and what is no namespace's but was made for it. */
  all(namespace: string): Loose[] {
    return [...this.#objects.values()].filter((object) => this.#isOf(object, namespace));
  }

  /** Everything there ever was of that, as first seen, oldest first. */
  ever(namespace: string): Loose[] {
    return [...this.#firsts.values()].filter((object) => this.#isOf(object, namespace));
  }

  /** Resolves once `holds` is true; rejects, with what was waited for, after a time. */
  until(what: string, holds: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(new Error(`waited in vain for ${what}`)), timeoutMs);
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        if (error === undefined) resolve();
        else reject(error);
      };
      const wake = (): void => {
        if (holds()) finish();
      };
      const waiter: Waiter = { wake };
      this.#waiters.add(waiter);
      wake();
    });
  }

  /** Resolves when nothing has happened in the namespace for a while. */
  quiet(namespace: string, quietMs = QUIET_MS): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        this.#waiters.delete(waiter);
        resolve();
      };
      let timer = setTimeout(over, quietMs);
      // Events go on for as long as something fails.
      const wake = (object: Loose): void => {
        if (object['kind'] === 'Event' || !this.#isOf(object, namespace)) return;
        clearTimeout(timer);
        timer = setTimeout(over, quietMs);
      };
      const waiter: Waiter = { wake };
      this.#waiters.add(waiter);
    });
  }

  /** Volumes are of the namespace whose claim they are for; what is said of them, and what attaches them, is too. */
  #isOf(object: Loose, namespace: string): boolean {
    const { metadata, spec, kind, involvedObject } = object;
    if (metadata.labels?.[SCENARIO_LABEL] === namespace) return true;
    const isOurs = (volume: string): boolean => this.#ownerOf.get(volume) === namespace;
    if (kind === 'PersistentVolume') return isOurs(metadata.name!);
    if (kind === 'VolumeAttachment') return isOurs(spec.source.persistentVolumeName);
    if (kind === 'Event' && involvedObject.kind === 'PersistentVolume') return isOurs(involvedObject.name);
    return metadata.namespace === namespace;
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw new Error(`a watch broke: ${JSON.stringify(object)}`);
    const { namespace = '', name } = object.metadata;
    const kind = object['kind'] as string;
    const key = `${kind}/${namespace}/${name}`;
    const owner = object.metadata.labels?.[SCENARIO_LABEL] ?? object.spec?.claimRef?.namespace;
    if (kind === 'PersistentVolume' && owner !== undefined) this.#ownerOf.set(name!, owner);
    this.#revisions.set(
      kind,
      Math.max(this.#revisions.get(kind) ?? 0, Number(object.metadata.resourceVersion)),
    );
    if (type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, object);
    const { uid = '' } = object.metadata;
    if (!this.#firsts.has(uid)) this.#firsts.set(uid, object);
    for (const waiter of this.#waiters) waiter.wake(object);
  }
}

function creation({ metadata }: Loose): string {
  return `${metadata.creationTimestamp} ${metadata.name}`;
}
