/**
 * Errors of the API: a closed set of reasons, each with its HTTP code. Messages are those of the real API server,
 * because scripts and client libraries match them.
 */
import { formatGroupResource, formatGroupKind, type GroupResource } from './gvk.ts';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** `metav1.Status`, in the key order of the wire. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { resourceVersion?: string; continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** Reason of a failure and its HTTP code. */
const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof STATUS_CODES;

/** A failure as the client sees it. Thrown anywhere above the store; written once, by the server's Status writer. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(
    reason: StatusReason | '',
    message: string,
    options: { details?: StatusDetails; code?: number; continue?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StatusError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: options.continue === undefined ? {} : { continue: options.continue },
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(options.details === undefined ? {} : { details: options.details }),
      code: options.code ?? (reason === '' ? 500 : STATUS_CODES[reason]),
    };
  }

  get reason(): string {
    return this.status.reason ?? '';
  }

  get code(): number {
    return this.status.code;
  }
}

function resourceDetails(resource: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.resource,
  };
}

export function newNotFound(resource: GroupResource, name: string): StatusError {
  return new StatusError('NotFound', `${formatGroupResource(resource)} "${name}" not found`, {
    details: resourceDetails(resource, name),
  });
}

export function newAlreadyExists(resource: GroupResource, name: string): StatusError {
  return new StatusError('AlreadyExists', `${formatGroupResource(resource)} "${name}" already exists`, {
    details: resourceDetails(resource, name),
  });
}

/** generateName met a taken name on every try. */
export function newGenerateNameConflict(resource: GroupResource, name: string): StatusError {
  return new StatusError(
    'AlreadyExists',
    `${formatGroupResource(resource)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    { details: { ...resourceDetails(resource, name), retryAfterSeconds: 1 } },
  );
}

/** Text of the conflict that optimistic locking ends in. */
const OPTIMISTIC_LOCK_MESSAGE =
  'the object has been modified; please apply your changes to the latest version and try again';

export function newConflict(
  resource: GroupResource,
  name: string,
  why: string = OPTIMISTIC_LOCK_MESSAGE,
): StatusError {
  return new StatusError(
    'Conflict',
    `Operation cannot be fulfilled on ${formatGroupResource(resource)} "${name}": ${why}`,
    { details: resourceDetails(resource, name) },
  );
}

export function newForbidden(
  resource: GroupResource,
  name: string,
  why: string,
  causes?: StatusCause[],
): StatusError {
  const subject =
    resource.resource === ''
      ? 'forbidden'
      : name === ''
        ? `${formatGroupResource(resource)} is forbidden`
        : `${formatGroupResource(resource)} "${name}" is forbidden`;
  return new StatusError('Forbidden', `${subject}: ${why}`, {
    details: { ...resourceDetails(resource, name), ...(causes === undefined ? {} : { causes }) },
  });
}

export function newUnauthorized(message = 'Unauthorized'): StatusError {
  return new StatusError('Unauthorized', message);
}

export function newBadRequest(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

export function newNotAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}

export function newUnsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

export function newRequestEntityTooLarge(message: string): StatusError {
  return new StatusError('RequestEntityTooLarge', `Request entity too large: ${message}`);
}

export function newExpired(message: string, continueToken?: string): StatusError {
  return new StatusError('Expired', message, { continue: continueToken });
}

export function newTooLargeResourceVersion(requested: number, current: number): StatusError {
  return new StatusError(
    'Timeout',
    `Timeout: Too large resource version: ${requested}, current: ${current}`,
    {
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    },
  );
}

export function newTimeout(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError('Timeout', `Timeout: ${message}`, {
    details: retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
  });
}

export function newTooManyRequests(
  message: string,
  retryAfterSeconds?: number,
  causes?: StatusCause[],
): StatusError {
  return new StatusError('TooManyRequests', message, {
    details: {
      ...(causes === undefined ? {} : { causes }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  });
}

export function newServiceUnavailable(message: string): StatusError {
  return new StatusError('ServiceUnavailable', message);
}

/** Upstream wraps what it did not expect this way; `error` keeps the original for the log. */
export function newInternalError(error: unknown): StatusError {
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError('InternalError', `Internal error occurred: ${message}`, {
    details: { causes: [{ message }] },
    cause: error,
  });
}

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'FieldValueTooShort'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

/** One thing wrong with one field. Built by the functions of `validation.ts`. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** Path such as `spec.containers[0].name`. */
  readonly field: string;
  /** Full text behind the path: `Invalid value: "x": why`. */
  readonly message: string;
}

/** 422 for an object with field errors. `group` and `kind` name the object's kind. */
export function newInvalid(
  group: string,
  kind: string,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const unique = [...new Set(texts)];
  const text = unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`;
  return new StatusError('Invalid', `${formatGroupKind(group, kind)} "${name}" is invalid: ${text}`, {
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      ...(kind === '' ? {} : { kind }),
      causes: errors.map((error) => ({
        reason: error.type,
        message: error.message,
        field: error.field,
      })),
    },
  });
}

export function isStatusError(error: unknown, reason?: StatusReason): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason);
}

export const isNotFound = (error: unknown): boolean => isStatusError(error, 'NotFound');
export const isAlreadyExists = (error: unknown): boolean => isStatusError(error, 'AlreadyExists');
export const isConflict = (error: unknown): boolean => isStatusError(error, 'Conflict');
export const isInvalid = (error: unknown): boolean => isStatusError(error, 'Invalid');
export const isExpired = (error: unknown): boolean =>
  isStatusError(error, 'Expired') || isStatusError(error, 'Gone');
/** The namespace of the object is on its way out: nothing can be created in it. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
