/** Objects on their way out of the registry: the stored ones, or their form in another version. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { canonicalize, encodeObject } from '../../api/machinery/codec.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { StoredValue } from '../../storage/interface.ts';
import type { ResourceTarget, ResultObject } from './interface.ts';
import { decodeStored, formOf } from './stored-form.ts';

/** Turns stored values into results, each once: watchers of one event share one result and so one encoding. */
export class Results {
  readonly #converted = new WeakMap<StoredValue, Map<string, ResultObject>>();

  /** `storing` is the definition whose storage version the value is in. */
  of(value: StoredValue, target: ResourceTarget, storing: ResourceDefinition): ResultObject {
    const from = formatGroupVersion(storing.group, storing.storageVersion.name);
    const to = formatGroupVersion(target.definition.group, target.version);
    if (from === to) return formOf(value);
    let versions = this.#converted.get(value);
    if (versions === undefined) this.#converted.set(value, (versions = new Map()));
    let result = versions.get(to);
    if (result === undefined) {
      const object = convertObject(target, decodeStored(value), from, to);
      result = { bytes: encodeObject(object), object, revision: value.revision };
      versions.set(to, result);
    }
    return result;
  }
}

/** A new object in the shape of `to`. The kind's conversion is asked; without one only apiVersion changes. */
export function convertObject(
  target: ResourceTarget,
  object: UnknownObject,
  from: string,
  to: string,
): UnknownObject {
  const { behaviour, names, versions } = target.definition;
  const copy = structuredCopy(object);
  const converted = behaviour.convert?.(copy, from, to) ?? copy;
  converted.kind = names.kind;
  converted.apiVersion = to;
  const version = versions.find(({ name }) => formatGroupVersion(target.definition.group, name) === to);
  return version === undefined ? converted : canonicalize(version.schema, converted);
}
