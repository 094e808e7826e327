/** The three patches of the API, applied to an object, for the HTTP handler and the loopback client alike. */
import { newUnsupportedMediaType } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { patchStatusError, PatchError } from '../../api/machinery/patch/errors.ts';
import { applyJsonPatch } from '../../api/machinery/patch/json.ts';
import { applyMergePatch } from '../../api/machinery/patch/merge.ts';
import { applyStrategicMergePatch } from '../../api/machinery/patch/strategic.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { mediaTypeOf } from '../negotiation/request-body.ts';

export type PatchKind = 'json' | 'merge' | 'strategic';

/** Content types of the patches, in the order error messages list them. */
export const PATCH_CONTENT_TYPES: Readonly<Record<string, PatchKind>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** Of server-side apply, which is no patch of a document. */
const APPLY_CONTENT_TYPE = 'application/apply-patch+yaml';

/** Whether the body of a request is an apply configuration, by its media type. */
export function isApplyPatch({ headers }: Request): boolean {
  return mediaTypeOf(headers.get('content-type')) === APPLY_CONTENT_TYPE;
}

/**
 * The patch a content type stands for. Throws 415 with the accepted ones. Strategic merge needs the marks that only
 * built-in types have.
 */
export function patchKindOf(contentType: string, typed: boolean): PatchKind {
  const kind = Object.hasOwn(PATCH_CONTENT_TYPES, contentType) ? PATCH_CONTENT_TYPES[contentType] : undefined;
  if (kind !== undefined && (typed || kind !== 'strategic')) return kind;
  const accepted = Object.keys(PATCH_CONTENT_TYPES).filter(
    (type) => typed || PATCH_CONTENT_TYPES[type] !== 'strategic',
  );
  throw newUnsupportedMediaType([...accepted, APPLY_CONTENT_TYPE]);
}

/** The patched document, new; not canonical yet. Throws StatusErrors as upstream words them. */
export function applyPatch(
  kind: PatchKind,
  schema: StructSchema,
  document: UnknownObject,
  patch: unknown,
): unknown {
  try {
    switch (kind) {
      case 'json':
        return applyJsonPatch(document, patch);
      case 'merge':
        return applyMergePatch(document, patch);
      case 'strategic':
        return applyStrategicMergePatch(schema, document, patch);
    }
  } catch (error) {
    throw error instanceof PatchError ? patchStatusError(error) : error;
  }
}
