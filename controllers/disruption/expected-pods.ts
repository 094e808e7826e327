/** How many pods a budget counts on: what their controllers ask for. Mirrors getExpectedScale of disruption.go. */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { isNotFound, type StatusError } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { parseGroupVersion } from '../../api/machinery/gvk.ts';
import { controllerOf, type KubeObject, type OwnerReference } from '../../api/machinery/object-meta.ts';
import { deployments, replicaSets, statefulSets } from '../../openapi/generated/apps-v1.ts';
import { replicationControllers, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';

interface Replicated extends KubeObject {
  readonly spec: { readonly replicas?: number };
}

export interface Expected {
  readonly count: number;
  /** Pods without a controller, which nothing is known of. */
  readonly unmanaged: readonly Pod[];
}

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

export class ExpectedPods {
  readonly #client: Client;
  readonly #byKind: ReadonlyMap<string, Informer<Replicated>>;

  /** Call before informers start. */
  constructor({ client, informer }: Pick<ControllerContext, 'client' | 'informer'>) {
    this.#client = client;
    const of = (resource: ResourceType<KubeObject>): [string, Informer<Replicated>] => [
      `${resource.group}/${resource.kind}`,
      informer(resource as ResourceType<Replicated>),
    ];
    this.#byKind = new Map([replicationControllers, replicaSets, deployments, statefulSets].map(of));
  }

  /** Rejects when a pod has a controller that cannot be asked. */
  async of(pods: readonly Pod[]): Promise<Expected> {
    const scales = new Map<string, number>();
    const asked = new Set<string>();
    const unmanaged: Pod[] = [];
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (reference === undefined) unmanaged.push(pod);
      if (reference === undefined || asked.has(reference.uid)) continue;
      asked.add(reference.uid);
      const found = await this.#scaleOf(reference, pod.metadata.namespace!);
      if (found === undefined)
        throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
      scales.set(found.uid, found.replicas);
    }
    return { count: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
  }

  /** A replica set of a deployment stands for the deployment. Whoever is not found in a cache is asked for its scale. */
  async #scaleOf(reference: OwnerReference, namespace: string): Promise<Scaled | undefined> {
    const owner = this.#find(reference, namespace);
    const above = owner === undefined ? undefined : controllerOf(owner);
    const isOfDeployment = reference.kind === 'ReplicaSet' && above?.kind === 'Deployment';
    const found = isOfDeployment ? this.#find(above, namespace) : owner;
    if (found === undefined) return this.#askScale(reference, namespace);
    return { uid: found.metadata.uid!, replicas: found.spec.replicas ?? 1 };
  }

  #find({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Replicated | undefined {
    const group = parseGroupVersion(apiVersion)?.group ?? '';
    const found = this.#byKind
      .get(`${group === 'extensions' ? 'apps' : group}/${kind}`)
      ?.get(`${namespace}/${name}`);
    return found?.metadata.uid === uid ? found : undefined;
  }

  async #askScale(
    { apiVersion, kind, name, uid }: OwnerReference,
    namespace: string,
  ): Promise<Scaled | undefined> {
    const group = parseGroupVersion(apiVersion)?.group ?? '';
    const resource = this.#client
      .resources(['get'])
      .find((candidate) => candidate.group === group && candidate.kind === kind);
    if (resource === undefined)
      throw new Error(`no matches for kind ${goQuote(kind)} in version ${goQuote(apiVersion)}`);
    try {
      const { metadata, spec } = await this.#client.getScale(resource, { namespace, name });
      return metadata.uid === uid ? { uid, replicas: spec?.replicas ?? 0 } : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // What is not there is the owner, or the subresource.
      if ((error as StatusError).status.details?.kind !== `${resource.resource}/scale`) return undefined;
      const plural = group === '' ? resource.resource : `${resource.resource}.${group}`;
      throw new Error(`${plural} does not implement the scale subresource`);
    }
  }
}
