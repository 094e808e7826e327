/** create, update and patch. */
import { structuredCopy } from '../../../api/machinery/client.ts';
import { isStatusError, newBadRequest, newNotFound, newRequestEntityTooLarge, type Status } from '../../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { JSON_PATCH_OPERATIONS_MAX, jsonPatchStrictErrors } from '../../../api/machinery/patch/json.ts';
import type { UpdateOptions } from '../../registry/interface.ts';
import { applyPatch, patchKindOf, type PatchKind } from '../../registry/patching.ts';
import { applyScale, scaleOf } from '../../registry/scale.ts';
import { applyFieldValidation, decodeTyped, parseText, readBody, type FieldValidation } from '../negotiation/request-body.ts';
import { respond, respondStatus } from '../negotiation/responses.ts';
import { expectedBody, negotiateObject, readObject, respondObject, type Call } from './call.ts';
import { fieldValidationOption, writeOptions } from './options.ts';

export async function handleCreate(call: Call): Promise<Response> {
  const negotiated = negotiateObject(call);
  const { services, context, target, scope, query, request, object: url, subresource } = call;
  const options = writeOptions(query, request.headers, 'CreateOptions');
  const validation = fieldValidationOption(query, 'CreateOptions');
  const object = await readObject(call, validation);
  if (subresource !== undefined) {
    const answer = await services.creators.create(context, target, url, subresource.name, object, options);
    if (answer.kind === 'Status') return respondStatus(request, answer as Status);
    return respond(request, 201, negotiated.mediaType, { object: answer, schema: subresource.schema, apiVersion: (answer as UnknownObject).apiVersion!, kind: (answer as UnknownObject).kind! });
  }
  if (target.definition.names.plural === 'bindings' && target.definition.group === '') return createBinding(call, object);
  return respondObject(call, 201, negotiated, await services.registry.create(context, target, scope, object, options));
}

/** POST to `bindings` binds the pod of that name. */
async function createBinding({ services, context, scope, request, query }: Call, binding: UnknownObject): Promise<Response> {
  const definition = services.definitions.find('', 'v1', 'pods')!;
  const object = { namespace: scope.namespace, name: binding.metadata.name ?? '' };
  const options = writeOptions(query, request.headers, 'CreateOptions');
  const answer = await services.creators.create(context, { definition, version: 'v1' }, object, 'binding', binding, options);
  return respondStatus(request, answer as Status);
}

export async function handleUpdate(call: Call): Promise<Response> {
  const negotiated = negotiateObject(call);
  const { services, context, target, query, request, object: url, subresource, definition } = call;
  const options = writeOptions(query, request.headers, 'UpdateOptions');
  const object = await readObject(call, fieldValidationOption(query, 'UpdateOptions'));
  checkName(object, url.name);
  const updater = (current: UnknownObject | undefined): UnknownObject => {
    if (subresource?.name !== 'scale') return structuredCopy(object);
    if (current === undefined) throw newNotFound({ group: definition.group, resource: definition.names.plural }, url.name);
    return applyScale(definition, current, object);
  };
  const { result, created } = await services.registry.update(context, target, url, updater, updateOptions(call, options));
  return respondObject(call, created ? 201 : 200, negotiated, result);
}

/** The object must be the one of the URL; a name is needed in the body of a PUT. */
function checkName({ metadata }: UnknownObject, name: string): void {
  const own = metadata.name ?? '';
  if (own === '') throw newBadRequest('name must be provided');
  if (own !== name) throw newBadRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}

/** Scale is a view: what is written is the main resource. */
function updateOptions({ subresource }: Call, options: Pick<UpdateOptions, 'dryRun' | 'fieldManager'>): UpdateOptions {
  if (subresource === undefined) return { ...options, mayCreate: true };
  return subresource.name === 'scale' ? { ...options, mayCreate: false } : { ...options, subresource, mayCreate: false };
}

export async function handlePatch(call: Call): Promise<Response> {
  const { services, context, target, query, request, object: url } = call;
  const kind = patchKindOf((request.headers.get('content-type') ?? '').split(';', 1)[0]!.trim());
  const negotiated = negotiateObject(call);
  const options = writeOptions(query, request.headers, 'PatchOptions');
  const validation = fieldValidationOption(query, 'PatchOptions');
  const patch = await readPatch(call, kind, validation);
  const updater = (current: UnknownObject | undefined): UnknownObject => patched(call, kind, patch, validation, current);
  const { result } = await services.registry.update(context, target, url, updater, { ...updateOptions(call, options), mayCreate: false });
  return respondObject(call, 200, negotiated, result);
}

async function readPatch(call: Call, kind: PatchKind, validation: FieldValidation): Promise<unknown> {
  const body = await readBody(call.request);
  let parsed: { value: unknown; duplicates: readonly string[] };
  try {
    parsed = parseText('json', body.toString('utf8'));
  } catch (error) {
    if (isStatusError(error)) throw error;
    throw newBadRequest((error as Error).message);
  }
  if (kind === 'json' && Array.isArray(parsed.value) && parsed.value.length > JSON_PATCH_OPERATIONS_MAX) {
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}, got ${parsed.value.length}`,
    );
  }
  const unknown = kind === 'json' ? jsonPatchStrictErrors(parsed.value) : [];
  if (unknown.length > 0 && validation === 'Strict') throw newBadRequest(`strict decoding error: ${unknown.join(', ')}`);
  applyFieldValidation(validation, { unknownFields: [], duplicates: parsed.duplicates }, expectedBody(call), call.context.warnings);
  return parsed.value;
}

/** The current object, patched and decoded anew. */
function patched(call: Call, kind: PatchKind, patch: unknown, validation: FieldValidation, current: UnknownObject | undefined): UnknownObject {
  const { definition, subresource, object: url, version, context } = call;
  if (current === undefined) throw newNotFound({ group: definition.group, resource: definition.names.plural }, url.name);
  const expected = expectedBody(call);
  const isScale = subresource?.name === 'scale';
  const document = isScale ? scaleOf(definition, current) : current;
  const value = applyPatch(kind, isScale ? expected.schema : version.schema, document, patch);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw newBadRequest(`json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type ${formatGroupVersion('', expected.version)}.${expected.kind}`);
  }
  const { object, unknownFields } = decodeTyped(expected, value as Record<string, unknown>);
  applyFieldValidation(validation, { unknownFields, duplicates: [] }, expected, context.warnings);
  return isScale ? applyScale(definition, current, object) : object;
}
