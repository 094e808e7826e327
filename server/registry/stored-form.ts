/** Stored values as the registry reads them: bytes that go out as they are, and objects decoded when somebody asks. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Encoded, StoredValue } from '../../storage/interface.ts';
import type { ResultObject } from './interface.ts';
import { outlineOfJSON, parseExactly, type Outline } from './outline.ts';
import { newSelectable, type Selectable } from './selection.ts';

/** Objects kept decoded besides those that somebody holds: what is read again soon. */
const DECODED_MAX = 1024;
/** Of what is written much is read by nobody; what is kept without need costs the garbage collector. */
const WRITTEN_MAX = 64;
const NEWLINE = 0x0a;

/** The last forms whose objects came in; the one that came first forgets its object when another comes. */
class RecentForms {
  readonly #max: number;
  readonly #forms: StoredForm[] = [];
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(form: StoredForm): void {
    this.#forms[this.#next]?.forget();
    this.#forms[this.#next] = form;
    this.#next = (this.#next + 1) % this.#max;
  }
}

const recentlyDecoded = new RecentForms(DECODED_MAX);
const recentlyWritten = new RecentForms(WRITTEN_MAX);

/** What the registry keeps in a stored value's slot. One to a value, so whoever shares work by object can go by it. */
class StoredForm implements ResultObject {
  /** JSON; data written by older versions has no newline behind it. */
  readonly #json: Buffer;
  readonly revision: number;
  /** What selectors look at; kept when the object is forgotten, so that selecting decodes an object once. */
  selectable: Selectable | undefined;
  #object: UnknownObject | undefined;
  /** Was written by this process, so that informers may well hold it. */
  readonly #isWritten: boolean;
  #held: WeakRef<UnknownObject> | undefined;

  constructor(json: Buffer, revision: number, object?: UnknownObject) {
    this.#json = json;
    this.revision = revision;
    this.#object = object;
    this.#isWritten = object !== undefined;
    if (object !== undefined) recentlyWritten.add(this);
  }

  get bytes(): Buffer {
    return this.document === undefined ? this.#json : this.#json.subarray(0, -1);
  }

  get document(): Buffer | undefined {
    return this.#json[this.#json.length - 1] === NEWLINE ? this.#json : undefined;
  }

  get object(): UnknownObject {
    if (this.#object === undefined) {
      this.#object = this.#held?.deref() ?? parseExactly(this.#json.toString('utf8'));
      recentlyDecoded.add(this);
    }
    return this.#object;
  }

  outline(): Outline {
    return outlineOfJSON(this.#json, this.#object);
  }

  /**
   * Lets go of the object, which can be decoded again. As long as somebody else holds it, it is that object still: then an
   * update by who holds it shares what it did not change, and costs no decoding. Objects that were only read are not
   * traced: a weak reference keeps its object to the end of the turn, and one turn may read them all.
   */
  forget(): void {
    if (this.#isWritten && this.#object !== undefined) this.#held ??= new WeakRef(this.#object);
    this.#object = undefined;
  }
}

/** Bytes and form of an object to be stored at a revision. The object is given away. */
export function encodeForm(object: UnknownObject, revision: number): Encoded & { decoded: StoredForm } {
  const text = stringifyJSON(object);
  const length = Buffer.byteLength(text);
  // In memory of its own: small buffers otherwise share a block, which the longest-lived of them keeps whole.
  const bytes = Buffer.allocUnsafeSlow(length + 1);
  bytes.write(text, length === text.length ? 'latin1' : 'utf8');
  bytes[length] = NEWLINE;
  return { bytes, decoded: new StoredForm(bytes, revision, object) };
}

/**
 * Bytes and form of a stored object at another revision and otherwise as it is, without encoding it anew: only its
 * resourceVersion changes, which is the first member of that name in the bytes.
 */
export function encodeAt(value: StoredValue, revision: number): Encoded & { decoded: StoredForm } {
  const old = decodeStored(value);
  const object = withResourceVersion(old, revision);
  const member = `"resourceVersion":"${old.metadata.resourceVersion}"`;
  const start = value.bytes.indexOf(member);
  if (start < 0) return encodeForm(object, revision);
  const rest = value.bytes.subarray(start + member.length);
  const changed = `"resourceVersion":"${revision}"`;
  const bytes = Buffer.allocUnsafeSlow(start + changed.length + rest.length);
  value.bytes.copy(bytes, 0, 0, start);
  bytes.write(changed, start, 'latin1');
  rest.copy(bytes, start + changed.length);
  return { bytes, decoded: new StoredForm(bytes, revision, object) };
}

/** A copy of a stored object with another resourceVersion, in place of the old. */
export function withResourceVersion(object: UnknownObject, revision: number): UnknownObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** The form of a stored value, made on first use. */
export function formOf(value: StoredValue): StoredForm {
  value.decoded ??= new StoredForm(value.bytes, value.revision);
  return value.decoded as StoredForm;
}

/** What selectors look at in a value of the definition's resource. */
export function selectableOf(value: StoredValue, definition: ResourceDefinition): Selectable {
  const form = formOf(value);
  if (form.selectable?.definition !== definition) form.selectable = newSelectable(definition, form.object);
  return form.selectable;
}

/** The object of a stored value, shared by all readers. */
export function decodeStored(value: StoredValue): UnknownObject {
  return formOf(value).object;
}
