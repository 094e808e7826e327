/** A field manager of a built-in kind at one version, and an object that is written to through it. */
import { builtInSchema } from '../../../../api/machinery/built-in-schemas.ts';
import { canonicalize } from '../../../../api/machinery/codec.ts';
import {
  applyToObject,
  managedFieldsOfUpdate,
  type FieldManagerScope,
} from '../../../../api/machinery/managed-fields/field-manager.ts';
import { excludeFields } from '../../../../api/machinery/managed-fields/reset-filter.ts';
import type { UnknownObject } from '../../../../api/machinery/object-meta.ts';
import types from '../../../../openapi/facts/types.json' with { type: 'json' };

const names = new Map<string, string>();
for (const [name, { gvk = [] }] of Object.entries(types.types as Record<string, { gvk?: Gvk[] }>)) {
  for (const { group, version, kind } of gvk)
    names.set(`${group === '' ? version : `${group}/${version}`} ${kind}`, name);
}

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface WriteBy {
  readonly manager: string;
  readonly force?: boolean;
  readonly subresource?: string;
}

/** An object without defaults, validation or storage: what is left is who owns what. */
export class ManagedObject {
  live: UnknownObject | undefined;
  /** Counts seconds from 2020 on. */
  second = 0;
  readonly #apiVersion: string;
  readonly #kind: string;

  constructor(apiVersion: string, kind: string) {
    this.#apiVersion = apiVersion;
    this.#kind = kind;
  }

  update(object: unknown, write: WriteBy): UnknownObject {
    const scope = this.#scope(write);
    const changed = this.#canonical(object);
    const given = (object as UnknownObject).metadata.managedFields;
    if (this.live !== undefined) changed.metadata.uid = 'u';
    const managedFields = managedFieldsOfUpdate(scope, this.live, changed, { ...this.#by(write), given });
    delete changed.metadata.managedFields;
    if (managedFields !== undefined) changed.metadata.managedFields = managedFields;
    return this.#keep(changed);
  }

  apply(config: unknown, write: WriteBy): UnknownObject {
    const result = applyToObject(this.#scope(write), this.live, config as UnknownObject, {
      ...this.#by(write),
      force: write.force === true,
    });
    return this.#keep(result);
  }

  #keep(object: UnknownObject): UnknownObject {
    object.metadata.uid = 'u';
    return (this.live = this.#canonical(object));
  }

  #by({ manager }: WriteBy): { manager: string; nowMs: number } {
    return { manager, nowMs: Date.UTC(2020, 0, 1) + this.second * 1000 };
  }

  #canonical(object: unknown): UnknownObject {
    return canonicalize(this.#schema(), object);
  }

  #schema(): ReturnType<typeof builtInSchema> {
    return builtInSchema(names.get(`${this.#apiVersion} ${this.#kind}`)!);
  }

  #scope({ subresource = '' }: WriteBy): FieldManagerScope {
    const apiVersion = this.#apiVersion;
    return {
      apiVersion,
      kind: this.#kind,
      subresource,
      schemaAt: (version) => (version === apiVersion ? this.#schema() : undefined),
      convert: (object) => object,
      empty: this.#canonical({ apiVersion, kind: this.#kind }),
      filter: excludeFields([subresource === 'status' ? 'spec' : 'status']),
    };
  }
}
