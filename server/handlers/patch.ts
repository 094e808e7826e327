/** PATCH of an object, or of a part of it that has its shape. Mirrors apiserver handlers/patch.go. */
import { decodeObject } from '../../api/machinery/codec.ts';
import { DecodeError } from '../../api/machinery/decode-error.ts';
import {
  newBadRequest,
  newInvalid,
  newNotFound,
  newRequestEntityTooLarge,
} from '../../api/machinery/errors.ts';
import { goQuote, goValue } from '../../api/machinery/go-format.ts';
import { JSONError, parseJSON, stringifyJSON } from '../../api/machinery/json.ts';
import { keepReset } from '../../api/machinery/managed-fields/managed-entries.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { jsonPatchStrictErrors, JSON_PATCH_OPERATIONS_MAX } from '../../api/machinery/patch/json.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import { mediaTypeOf, readBody } from '../negotiation/request-body.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { applyPatch, isApplyPatch, patchKindOf, type PatchKind } from '../registry/patching.ts';
import { apply } from './apply.ts';
import { parseWriteOptions, type FieldValidation } from './options.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';
import { strictFindings } from './strict-findings.ts';

export const patch: Handler = async (request) => {
  if (isApplyPatch(request.exchange.request)) return apply(request);
  const { exchange, services, context, target, object: place, form, definition, subresource } = request;
  const reader = await readPatch(request, form.typed);
  const format = negotiateObject(exchange, form.offer);
  const updater = (current: UnknownObject | undefined): UnknownObject => {
    if (current === undefined) {
      throw newNotFound({ group: definition.group, resource: definition.names.plural }, place.name);
    }
    return reader.apply(form.schema, current);
  };
  const { result } = await services.registry.update(context, target, place, updater, {
    ...reader.options,
    ...(subresource === undefined ? {} : { subresource }),
  });
  return respondObject(exchange, services.clock, format, form, result);
};

export interface PatchReader {
  readonly options: ReturnType<typeof parseWriteOptions>;
  /** The patched object in canonical form; what validation warns of goes to the exchange once. */
  apply(schema: StructSchema, current: UnknownObject): UnknownObject;
}

/** Reads the patch. Throws 415 for one that cannot be applied to this kind, 400 for one that cannot be read. */
export async function readPatch({ exchange }: ResourceRequest, typed: boolean): Promise<PatchReader> {
  const kind = patchKindOf(mediaTypeOf(exchange.request.headers.get('content-type')), typed);
  const options = parseWriteOptions(exchange, 'PatchOptions');
  const body = await readBody(exchange.request);
  const { value, duplicates } = parsePatch(kind, body);
  const patchFindings = findingsOfPatch(kind, value, duplicates);
  let warned = false;
  return {
    options,
    apply: (schema, current) => {
      const patched = applyPatch(kind, schema, current, value);
      const { object, findings } = decodePatched(
        kind,
        schema,
        patched,
        value,
        patchFindings,
        options.fieldValidation,
      );
      // The registry asks again after a lost race; the client is warned once.
      if (!warned && options.fieldValidation === 'Warn') exchange.warnings.push(...findings);
      warned = true;
      return object;
    },
  };
}

function parsePatch(kind: PatchKind, body: Buffer): { value: unknown; duplicates: readonly string[] } {
  try {
    const parsed = parseJSON(body.toString('utf8'));
    if (kind === 'json' && Array.isArray(parsed.value) && parsed.value.length > JSON_PATCH_OPERATIONS_MAX) {
      throw newRequestEntityTooLarge(
        `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${parsed.value.length}`,
      );
    }
    return parsed;
  } catch (error) {
    if (!(error instanceof JSONError)) throw error;
    throw newBadRequest(kind === 'strategic' ? error.message : `error decoding patch: ${error.message}`);
  }
}

/** Strict findings about the patch itself, before it is applied. */
function findingsOfPatch(kind: PatchKind, value: unknown, duplicates: readonly string[]): string[] {
  const prefix = kind === 'json' ? 'json patch ' : '';
  return [
    ...duplicates.map((field) => `${prefix}duplicate field ${goQuote(field)}`),
    ...(kind === 'json' ? jsonPatchStrictErrors(value) : []),
  ];
}

function decodePatched(
  kind: PatchKind,
  schema: StructSchema,
  patched: unknown,
  patch: unknown,
  patchFindings: readonly string[],
  fieldValidation: FieldValidation,
): { object: UnknownObject; findings: string[] } {
  const refuse = (why: string): Error => {
    const shown = kind === 'strategic' ? goValue(patch) : stringifyJSON(patched);
    return newInvalid('', '', '', [invalid('patch', shown, why)]);
  };
  let decoded: ReturnType<typeof decodeObject>;
  try {
    decoded = decodeObject(schema, patched);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refuse(error.message);
  }
  keepReset(patched, decoded.object);
  const findings = [...patchFindings, ...strictFindings(patched, decoded.unknownFields, [])];
  if (fieldValidation === 'Strict' && findings.length > 0) {
    throw refuse(`strict decoding error: ${findings.join(', ')}`);
  }
  return { object: decoded.object, findings };
}
