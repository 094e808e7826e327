/** Templates that stateful and daemon sets had, kept as ControllerRevisions. Mirrors pkg/controller/history. */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isAlreadyExists, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { controllerReference, type KubeObject } from '../../api/machinery/object-meta.ts';
import { controllerRevisions, type ControllerRevision } from '../../openapi/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../openapi/generated/core-v1.ts';
import { claim, indexByController } from './claims.ts';
import type { ControllerContext, Informer } from './controller.ts';
import { sortedJSON } from './sorted-json.ts';

/** Longest prefix of a revision's name. */
const PREFIX_MAX = 223;

export interface Revised extends KubeObject {
  readonly spec: {
    readonly selector: Parameters<typeof selectorFromLabelSelector>[0];
    readonly template: PodTemplateSpec;
    readonly revisionHistoryLimit?: number;
  };
  readonly status: { readonly collisionCount?: number };
}

export interface RevisionHistoryOptions<Owner extends Revised> {
  readonly ownerType: ResourceType<Owner>;
  readonly gvk: { readonly apiVersion: string; readonly kind: string };
  /** Label of a revision that holds the hash in its name. */
  readonly hashLabel: string;
  /** The hash itself; the count is undefined until two templates have met in one name. */
  readonly hash: (
    template: PodTemplateSpec,
    data: Readonly<Record<string, unknown>>,
    collisionCount: number | undefined,
  ) => string;
}

/** The revision of the present template, with all there are in order of their numbers. */
export interface CurrentRevision {
  readonly update: ControllerRevision;
  readonly all: readonly ControllerRevision[];
  /** With the names found taken by other templates. */
  readonly collisionCount: number;
}

export class RevisionHistory<Owner extends Revised> {
  readonly #client: Client;
  readonly #informer: Informer<ControllerRevision>;
  readonly #options: RevisionHistoryOptions<Owner>;

  /** Call before informers start. */
  constructor(
    context: Pick<ControllerContext, 'client' | 'informer'>,
    options: RevisionHistoryOptions<Owner>,
  ) {
    this.#client = context.client;
    this.#informer = context.informer(controllerRevisions);
    this.#options = options;
    indexByController(this.#informer);
  }

  /** Those of `owner`, orphans adopted, in order of their numbers. */
  async list(owner: Owner): Promise<ControllerRevision[]> {
    const { ownerType, gvk } = this.#options;
    const claimed = await claim({
      client: this.#client,
      owner,
      ownerType,
      gvk,
      informer: this.#informer,
      selector: selectorFromLabelSelector(owner.spec.selector),
    });
    return inOrder(claimed);
  }

  /** Finds the revision of the present template and moves it to the end, or makes it. */
  async current(owner: Owner): Promise<CurrentRevision> {
    const all = await this.list(owner);
    const data = dataOf(owner.spec.template);
    const collisionCount = owner.status.collisionCount ?? 0;
    const last = all.at(-1);
    const found = all.findLast((revision) => equalJSON(revision.data, data));
    if (found !== undefined && found === last) return { update: found, all, collisionCount };
    const number = (last?.revision ?? 0) + 1;
    if (found === undefined) {
      const created = await this.#create(owner, data, number);
      return { ...created, all: inOrder([...all, created.update]) };
    }
    const update = await this.#client.update(controllerRevisions, { ...found, revision: number });
    return { update, all: [...all.filter((revision) => revision !== found), update], collisionCount };
  }

  /** Deletes the oldest revisions beyond the limit, those that `live` names aside. `counted` is what counts against the limit; by default what is not live. */
  async truncate(
    owner: Owner,
    all: readonly ControllerRevision[],
    live: ReadonlySet<string>,
    counted?: number,
  ): Promise<void> {
    const past = all.filter(({ metadata }) => !live.has(metadata.name!));
    const count = counted ?? past.length;
    const surplus = Math.max(0, count - (owner.spec.revisionHistoryLimit ?? count));
    for (const { metadata } of past.slice(0, surplus)) {
      try {
        const { namespace, name, uid } = metadata;
        await this.#client.delete(
          controllerRevisions,
          { namespace, name: name! },
          { preconditions: { uid } },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** A name that another template has is passed over, one that has this template is it: the cache was behind. */
  async #create(
    owner: Owner,
    data: Record<string, unknown>,
    revision: number,
  ): Promise<{ readonly update: ControllerRevision; readonly collisionCount: number }> {
    for (let count = owner.status.collisionCount; ; count = (count ?? 0) + 1) {
      const collisionCount = count ?? 0;
      const draft = this.#draft(owner, data, revision, count);
      try {
        return { update: await this.#client.create(controllerRevisions, draft), collisionCount };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const { namespace, name } = draft.metadata;
        const existing = await this.#client.get(controllerRevisions, { namespace, name: name! });
        if (equalJSON(existing.data, data)) return { update: existing, collisionCount };
      }
    }
  }

  #draft(
    owner: Owner,
    data: Record<string, unknown>,
    revision: number,
    collisionCount: number | undefined,
  ): ControllerRevision {
    const { name, namespace, annotations } = owner.metadata;
    const hash = this.#options.hash(owner.spec.template, data, collisionCount);
    return {
      metadata: {
        name: `${name!.slice(0, PREFIX_MAX)}-${hash}`,
        namespace,
        labels: { ...owner.spec.template.metadata?.labels, [this.#options.hashLabel]: hash },
        ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
        ownerReferences: [controllerReference(owner, this.#options.gvk)],
      },
      data,
      revision,
    };
  }
}

/** The template a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _replace, ...template } = (data as unknown as RevisionData).spec.template;
  return template;
}

interface RevisionData {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: string } };
}

/** A strategic merge patch that brings the template back, keys sorted: kubectl compares it byte by byte. */
function dataOf(template: PodTemplateSpec): Record<string, unknown> {
  const text = sortedJSON({ spec: { template: { ...template, $patch: 'replace' } } });
  return JSON.parse(text) as Record<string, unknown>;
}

function inOrder(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  const age = ({ metadata }: ControllerRevision): string => `${metadata.creationTimestamp}/${metadata.name}`;
  return [...revisions].sort((a, b) => a.revision - b.revision || (age(a) < age(b) ? -1 : 1));
}
