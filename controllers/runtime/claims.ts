/** Which objects belong to a controller: its own by owner reference, orphans by its selector. Mirrors controller_ref_manager.go. */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isInvalid, isNotFound } from '../../api/machinery/errors.ts';
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import {
  controllerOf,
  controllerReference,
  isBeingDeleted,
  keyOf,
  type KubeObject,
} from '../../api/machinery/object-meta.ts';
import type { Informer } from './controller.ts';

const INDEX = 'controller';

/** Lets `ownedBy` and `claim` find objects without looking at all. Call before informers start; more than once is fine. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(INDEX, (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)]);
}

function orphansOf(namespace: string | undefined): string {
  return `orphans of ${namespace ?? ''}`;
}

/** Objects whose controller is `owner`. */
export function ownedBy<T extends KubeObject>(informer: Informer<T>, owner: KubeObject): readonly T[] {
  return informer.byIndex(INDEX, owner.metadata.uid!);
}

/** The owner that a controller reference of `object` means, when it is of `kind` and not just another of the same name. */
export function resolveController<Owner extends KubeObject>(
  object: KubeObject,
  kind: string,
  owners: Informer<Owner>,
): Owner | undefined {
  const reference = controllerOf(object);
  if (reference?.kind !== kind) return undefined;
  const owner = owners.get(`${object.metadata.namespace}/${reference.name}`);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

/** Whether `object` is free to be adopted. */
function isOrphan(object: KubeObject): boolean {
  return controllerOf(object) === undefined && !isBeingDeleted(object);
}

export interface Claiming<Owner extends KubeObject, T extends KubeObject> {
  readonly client: Client;
  readonly owner: Owner;
  readonly ownerType: ResourceType<Owner>;
  readonly gvk: { readonly apiVersion: string; readonly kind: string };
  readonly informer: Informer<T>;
  readonly selector: LabelSelectorMatcher;
  /** What makes a match beyond the selector. Default nothing. */
  readonly isMember?: (object: T) => boolean;
  /** Objects not worth adopting or releasing, such as ended pods. Default none. */
  readonly isIgnored?: (object: T) => boolean;
  /** Comes with being adopted and goes with being released. */
  readonly finalizer?: string;
}

/** Adopts matching orphans, lets go of owned objects that no longer match, and returns those that are the owner's. */
export async function claim<Owner extends KubeObject, T extends KubeObject>(
  claiming: Claiming<Owner, T>,
): Promise<T[]> {
  const { owner, informer, selector, isIgnored = () => false, isMember = () => true } = claiming;
  const isMatch = (object: T): boolean => selector.matches(object.metadata.labels) && isMember(object);
  const claimed: T[] = [];
  for (const object of ownedBy(informer, owner)) {
    if (isIgnored(object)) continue;
    if (isMatch(object)) claimed.push(object);
    else if (!isBeingDeleted(owner)) await release(claiming, object);
  }
  if (isBeingDeleted(owner)) return claimed;
  const orphans = informer
    .byIndex(INDEX, orphansOf(owner.metadata.namespace))
    .filter((object) => isOrphan(object) && !isIgnored(object) && isMatch(object));
  if (orphans.length === 0 || !(await mayAdopt(claiming))) return claimed;
  for (const orphan of orphans) {
    const finalizers = claiming.finalizer === undefined ? {} : { finalizers: [claiming.finalizer] };
    const adopted = await patchMetadata(claiming, orphan, {
      ownerReferences: [controllerReference(owner, claiming.gvk)],
      ...finalizers,
    });
    if (adopted !== undefined) claimed.push(adopted);
  }
  return claimed;
}

/** The cache may be behind: an owner that is going must not take anything in. */
async function mayAdopt<Owner extends KubeObject, T extends KubeObject>({
  client,
  owner,
  ownerType,
}: Claiming<Owner, T>): Promise<boolean> {
  try {
    const { namespace, name } = owner.metadata;
    const current = await client.get(ownerType, { namespace, name: name! });
    return current.metadata.uid === owner.metadata.uid && !isBeingDeleted(current);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function release<Owner extends KubeObject, T extends KubeObject>(
  claiming: Claiming<Owner, T>,
  object: T,
): Promise<void> {
  const finalizers =
    claiming.finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [claiming.finalizer] };
  await patchMetadata(claiming, object, {
    ownerReferences: [{ $patch: 'delete', uid: claiming.owner.metadata.uid! }],
    ...finalizers,
  });
}

/** Undefined when the object is gone, or its name now belongs to another. */
async function patchMetadata<Owner extends KubeObject, T extends KubeObject>(
  { client, informer }: Claiming<Owner, T>,
  { metadata: { namespace, name, uid } }: T,
  change: Readonly<Record<string, unknown>>,
): Promise<T | undefined> {
  try {
    const body = { metadata: { uid, ...change } };
    return await client.patch(informer.resource, { namespace, name: name! }, { type: 'strategic', body });
  } catch (error) {
    if (isNotFound(error) || isInvalid(error)) return undefined;
    throw error;
  }
}

/** Whether a change may let somebody adopt `object` who did not before: a controller of any kind gave it up, or labels changed. */
export function isNewlyFree(object: KubeObject, old: KubeObject): boolean {
  return controllerOf(old) !== undefined || !equalJSON(object.metadata.labels, old.metadata.labels);
}

/** Keys of the owners that would adopt `orphan`. */
export function adoptersOf<Owner extends KubeObject>(
  orphan: KubeObject,
  owners: Informer<Owner>,
  selectorOf: (owner: Owner) => LabelSelectorMatcher,
): string[] {
  if (!isOrphan(orphan)) return [];
  return owners
    .list(orphan.metadata.namespace)
    .filter((owner) => selectorOf(owner).matches(orphan.metadata.labels))
    .map(keyOf);
}
