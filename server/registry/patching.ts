/** The three patches of the API, applied to an object, for the HTTP handler and the loopback client alike. */
import { newUnsupportedMediaType } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { patchStatusError, PatchError } from '../../api/machinery/patch/errors.ts';
import { applyJsonPatch } from '../../api/machinery/patch/json.ts';
import { applyMergePatch } from '../../api/machinery/patch/merge.ts';
import { applyStrategicMergePatch } from '../../api/machinery/patch/strategic.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';

export type PatchKind = 'json' | 'merge' | 'strategic';

/** Content types of the patches, in the order error messages list them. */
export const PATCH_CONTENT_TYPES: Readonly<Record<string, PatchKind>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** The patch a content type stands for. Throws 415 with the accepted ones. */
export function patchKindOf(contentType: string): PatchKind {
  const kind = Object.hasOwn(PATCH_CONTENT_TYPES, contentType) ? PATCH_CONTENT_TYPES[contentType] : undefined;
  if (kind === undefined) throw newUnsupportedMediaType(Object.keys(PATCH_CONTENT_TYPES));
  return kind;
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
