/** What a scenario does its steps with, in a namespace of its own. */
import type { ControlPlane } from './control-plane.ts';
import { AnswerError, type Api, type Loose } from './api.ts';
import { SCENARIO_LABEL } from './mirror.ts';

/** Where kinds are served, and whether in namespaces. */
const KINDS: Readonly<
  Record<string, readonly [groupVersion: string, resource: string, isNamespaced?: false]>
> = {
  ClusterRole: ['apis/rbac.authorization.k8s.io/v1', 'clusterroles', false],
  ConfigMap: ['api/v1', 'configmaps'],
  ControllerRevision: ['apis/apps/v1', 'controllerrevisions'],
  CronJob: ['apis/batch/v1', 'cronjobs'],
  CSIDriver: ['apis/storage.k8s.io/v1', 'csidrivers', false],
  CSIStorageCapacity: ['apis/storage.k8s.io/v1', 'csistoragecapacities'],
  DaemonSet: ['apis/apps/v1', 'daemonsets'],
  Deployment: ['apis/apps/v1', 'deployments'],
  DeviceClass: ['apis/resource.k8s.io/v1', 'deviceclasses', false],
  EndpointSlice: ['apis/discovery.k8s.io/v1', 'endpointslices'],
  Endpoints: ['api/v1', 'endpoints'],
  Event: ['api/v1', 'events'],
  HorizontalPodAutoscaler: ['apis/autoscaling/v2', 'horizontalpodautoscalers'],
  Job: ['apis/batch/v1', 'jobs'],
  Namespace: ['api/v1', 'namespaces', false],
  Node: ['api/v1', 'nodes', false],
  PersistentVolume: ['api/v1', 'persistentvolumes', false],
  PersistentVolumeClaim: ['api/v1', 'persistentvolumeclaims'],
  Pod: ['api/v1', 'pods'],
  PodDisruptionBudget: ['apis/policy/v1', 'poddisruptionbudgets'],
  PriorityClass: ['apis/scheduling.k8s.io/v1', 'priorityclasses', false],
  ReplicaSet: ['apis/apps/v1', 'replicasets'],
  ReplicationController: ['api/v1', 'replicationcontrollers'],
  ResourceClaim: ['apis/resource.k8s.io/v1', 'resourceclaims'],
  ResourceClaimTemplate: ['apis/resource.k8s.io/v1', 'resourceclaimtemplates'],
  ResourceQuota: ['api/v1', 'resourcequotas'],
  ResourceSlice: ['apis/resource.k8s.io/v1', 'resourceslices', false],
  Secret: ['api/v1', 'secrets'],
  Service: ['api/v1', 'services'],
  ServiceAccount: ['api/v1', 'serviceaccounts'],
  StatefulSet: ['apis/apps/v1', 'statefulsets'],
  StorageClass: ['apis/storage.k8s.io/v1', 'storageclasses', false],
  VolumeAttachment: ['apis/storage.k8s.io/v1', 'volumeattachments', false],
  VolumeAttributesClass: ['apis/storage.k8s.io/v1', 'volumeattributesclasses', false],
};

/** An object of no namespace, marked as this one's. */
function labelled(object: object, namespace: string): object {
  const { metadata } = object as { metadata: { labels?: object } };
  return {
    ...object,
    metadata: { ...metadata, labels: { [SCENARIO_LABEL]: namespace, ...metadata.labels } },
  };
}

const TIMEOUT_MS = 75_000;

export class Session {
  readonly namespace: string;
  readonly api: Api;
  /** What belongs to the picture beside what the namespace holds at the end. */
  readonly notes: Loose[] = [];
  readonly #plane: ControlPlane;
  readonly #undoings: (() => Promise<unknown>)[] = [];

  private constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
    this.api = plane.api;
  }

  /** Makes the namespace, and waits for what pods in it need. */
  static async open(plane: ControlPlane, namespace: string): Promise<Session> {
    const session = new Session(plane, namespace);
    await session.create({ kind: 'Namespace', metadata: { name: namespace } });
    await session.has('ServiceAccount', 'default');
    await session.has('ConfigMap', 'kube-root-ca.crt');
    return session;
  }

  /** A session in a namespace of another name. */
  beside(name: string): Promise<Session> {
    return Session.open(this.#plane, `${this.namespace.slice(0, 50)}-${name}`);
  }

  /** What is to be done when everything has been looked at, so that others find things as they were. */
  afterwards(undo: () => Promise<unknown>): void {
    this.#undoings.push(undo);
  }

  async end(): Promise<void> {
    for (const undo of this.#undoings.toReversed()) await undo();
  }

  path(kind: string, name?: string, subresource?: string): string {
    const [groupVersion, resource, isNamespaced = true] = KINDS[kind]!;
    const scope = isNamespaced ? `/namespaces/${this.namespace}` : '';
    const parts = [`/${groupVersion}${scope}/${resource}`, name, subresource];
    return parts.filter((part) => part !== undefined).join('/');
  }

  create(object: { readonly kind: string; readonly [field: string]: unknown }): Promise<Loose> {
    const [groupVersion, , isNamespaced = true] = KINDS[object.kind]!;
    const apiVersion = groupVersion.replace(/^apis?\//, '');
    const made = isNamespaced || object.kind === 'Namespace' ? object : labelled(object, this.namespace);
    return this.#written(this.#plane.api.create(this.path(object.kind), { apiVersion, ...made }));
  }

  /** Keeps how an object is now for the picture, under a title of its own. */
  note(title: string, object: Loose): void {
    this.notes.push({ ...object, metadata: { ...object.metadata, name: title } });
  }

  patch(kind: string, name: string, body: object, subresource?: string): Promise<Loose> {
    return this.#written(this.#plane.api.patch(this.path(kind, name, subresource), body), kind);
  }

  /** As `kubectl set image` and the like: lists merge by their keys. */
  strategic(kind: string, name: string, body: object): Promise<Loose> {
    return this.#written(this.#plane.api.patch(this.path(kind, name), body, 'strategic'));
  }

  delete(kind: string, name: string, options: object = {}): Promise<Loose> {
    return this.#plane.api.delete(this.path(kind, name), options);
  }

  scale(kind: string, name: string, replicas: number): Promise<Loose> {
    return this.patch(kind, name, { spec: { replicas } }, 'scale');
  }

  /** The answer to what is to be refused. */
  async refused(attempt: Promise<unknown>): Promise<number> {
    try {
      await attempt;
    } catch (error) {
      if (error instanceof AnswerError) return error.code;
      throw error;
    }
    throw new Error(`${this.namespace}: what should have been refused was not`);
  }

  evict(pod: string): Promise<Loose> {
    return this.#plane.api.create(this.path('Pod', pod, 'eviction'), {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod },
    });
  }

  /** As last seen; undefined when it is not there. */
  seen(kind: string, name: string): Loose | undefined {
    return this.#plane.mirror.get(kind, name, KINDS[kind]?.[2] === false ? '' : this.namespace);
  }

  list(kind: string): Loose[] {
    return this.#plane.mirror.list(kind, KINDS[kind]?.[2] === false ? '' : this.namespace);
  }

  /** Of every namespace. */
  everywhere(kind: string): Loose[] {
    return this.#plane.mirror.list(kind);
  }

  /** Waits until the object is there and as it should be. */
  async has(
    kind: string,
    name: string,
    fits: (object: Loose) => boolean = () => true,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Loose> {
    const holds = (): boolean => {
      const object = this.seen(kind, name);
      return object !== undefined && fits(object);
    };
    await this.until(`${kind} ${name}: ${String(fits)}`, holds, timeoutMs);
    return this.seen(kind, name)!;
  }

  async gone(kind: string, name: string): Promise<void> {
    await this.until(`${kind} ${name} to go`, () => this.seen(kind, name) === undefined);
  }

  /** Waits until so many objects of a kind fit. */
  async count(kind: string, count: number, fits: (object: Loose) => boolean = () => true): Promise<Loose[]> {
    const found = (): Loose[] => this.list(kind).filter(fits);
    await this.until(`${count} of ${kind}: ${String(fits)}`, () => found().length === count);
    return found();
  }

  /** Waits for a condition of an object, with a status and, where given, a reason. */
  condition(kind: string, name: string, type: string, status: string, reason?: string): Promise<Loose> {
    return this.has(kind, name, (object) =>
      (object.status?.conditions ?? []).some(
        (condition: { type: string; status: string; reason?: string }) =>
          condition.type === type &&
          condition.status === status &&
          (reason === undefined || condition.reason === reason),
      ),
    );
  }

  /** Waits for an event. */
  async event(reason: string, message: RegExp = /./): Promise<void> {
    await this.until(`the event ${reason} ${message}`, () =>
      this.list('Event').some((event) => event['reason'] === reason && message.test(event['message'])),
    );
  }

  /** Waits until the watch has come to what was written: what is seen before is of another time. */
  async #written(write: Promise<Loose>, kind?: string): Promise<Loose> {
    const answer = await write;
    const { name, resourceVersion } = answer.metadata;
    const of = kind ?? (answer['kind'] as string);
    if (!this.#plane.mirror.follows(of)) return answer;
    await this.until(`${of} ${name} as it was written`, () =>
      this.#plane.mirror.cameTo(of, Number(resourceVersion)),
    );
    return answer;
  }

  until(what: string, holds: () => boolean, timeoutMs = TIMEOUT_MS): Promise<void> {
    return this.#plane.mirror.until(`${what} (${this.namespace})`, holds, timeoutMs);
  }

  /** Resolves in the next second: what is made now and then is of different age to whoever reads creation times. */
  nextSecond(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 1_000 - (Date.now() % 1_000)));
  }

  /** Resolves when the next start of a schedule of every minute is over. */
  nextMinute(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 62_000 - (Date.now() % 60_000)));
  }

  quiet(): Promise<void> {
    return this.#plane.mirror.quiet(this.namespace);
  }
}
