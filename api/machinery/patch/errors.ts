/** What can be wrong with a patch, and the answer a client gets. */
import { newBadRequest, StatusError } from '../errors.ts';

/**
 * `bad-request`: the patch cannot be understood (400, the message is told). `invalid`: it cannot be applied to the
 * document (422, upstream keeps the message to itself). `unknown`: an error upstream has no code for (500, told).
 */
export type PatchErrorKind = 'bad-request' | 'invalid' | 'unknown';

export class PatchError extends Error {
  readonly kind: PatchErrorKind;

  constructor(kind: PatchErrorKind, message: string) {
    super(message);
    this.name = 'PatchError';
    this.kind = kind;
  }
}

/** Mirrors apiserver endpoints/handlers/patch.go interpretStrategicMergePatchError and applyJSPatch. */
export function patchStatusError(error: PatchError): StatusError {
  switch (error.kind) {
    case 'bad-request':
      return newBadRequest(error.message);
    case 'invalid':
      return new StatusError('Invalid', 'the server rejected our request due to an error in our request', {
        details: {},
        cause: error,
      });
    case 'unknown':
      // Told, not logged: it is the client's mistake, whatever its code says.
      return new StatusError('', error.message);
  }
}

/** Name of a JSON value's type in Go's decoding errors. */
export function jsonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'number';
    default:
      return typeof value;
  }
}

export type JSONObject = Record<string, unknown>;

export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets a member whatever its name is; plain assignment of `__proto__` would not. */
export function setMember(object: JSONObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else object[key] = value;
}

export function getMember(object: JSONObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
