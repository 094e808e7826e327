/** Server-side apply: PATCH with a configuration that is merged in, field by field. Mirrors handlers/patch.go applyPatcher. */
import { canonicalize } from '../../api/machinery/codec.ts';
import { DecodeError } from '../../api/machinery/decode-error.ts';
import { newBadRequest, newConflict, newNotFound, StatusError } from '../../api/machinery/errors.ts';
import { JSONError, parseJSON } from '../../api/machinery/json.ts';
import { applyToObject, type FieldManagerScope } from '../../api/machinery/managed-fields/field-manager.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import type { Answer } from '../filters/filter.ts';
import type { ObjectForm } from '../negotiation/form.ts';
import { readBody } from '../negotiation/request-body.ts';
import type { OutputFormat } from '../negotiation/accept.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { parseYAML, warningsOfYAML, YAMLError, type ParsedYAML } from '../negotiation/yaml.ts';
import { fieldManagerScope } from '../registry/field-management.ts';
import { changeScale, scaleScope } from '../registry/scale.ts';
import { authorizeCreate } from './create-authorization.ts';
import { parseApplyOptions, type ApplyQuery } from './options.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';

/** Of an object, or of a part of it that has its shape. */
export const apply: Handler = async (request) => {
  const { exchange, services, context, target, object: place, form, definition, subresource } = request;
  const reader = await readConfiguration(request, form);
  const scope = fieldManagerScope(target, services.definitions.storing(definition), subresource?.name ?? '');
  const updater = (current: UnknownObject | undefined): UnknownObject => {
    const object = reader.apply(scope, form.schema, current);
    const { name = '', uid } = object.metadata;
    if (current === undefined && uid !== undefined) {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      throw newConflict({ group: definition.group, resource: definition.names.plural }, place.name, why);
    }
    if (name === '') {
      throw newBadRequest(
        `the name of the object (${place.name} based on URL) was undeterminable: name must be provided`,
      );
    }
    return object;
  };
  const { result, created } = await services.registry.update(context, target, place, updater, {
    ...reader.options,
    tracked: false,
    forceCreate: true,
    authorizeCreate: () => authorizeCreate(request),
    ...(subresource === undefined ? {} : { subresource }),
  });
  return respondObject(exchange, services.clock, reader.format, form, result, created ? 201 : 200);
};

/** Of the Scale of an object. */
export async function applyScaleConfiguration(
  request: ResourceRequest,
  form: ObjectForm,
  respondScale: (parent: UnknownObject, format: OutputFormat) => Answer,
): Promise<Response> {
  const { services, context, target, object: place, definition } = request;
  const reader = await readConfiguration(request, form);
  const updater = (parent: UnknownObject | undefined): UnknownObject => {
    if (parent === undefined)
      throw newNotFound({ group: definition.group, resource: definition.names.plural }, place.name);
    return changeScale(target, parent, (scale) => reader.apply(scaleScope(), form.schema, scale));
  };
  const { result } = await services.registry.update(context, target, place, updater, {
    ...reader.options,
    tracked: false,
  });
  return respondScale(result.object, reader.format);
}

interface ConfigurationReader {
  readonly options: ApplyQuery;
  readonly format: OutputFormat;
  /** The object with the configuration in it, canonical; what validation warns of goes to the exchange once. */
  apply(scope: FieldManagerScope, schema: StructSchema, current: UnknownObject | undefined): UnknownObject;
}

async function readConfiguration(
  { exchange, services }: ResourceRequest,
  form: ObjectForm,
): Promise<ConfigurationReader> {
  const format = negotiateObject(exchange, form.offer);
  const body = await readBody(exchange.request);
  const options = parseApplyOptions(exchange);
  let parsed: ParsedYAML | undefined;
  let warned = false;
  return {
    options,
    format,
    apply: (scope, schema, current) => {
      parsed ??= parseConfiguration(body);
      const applied = applyToObject(scope, current, parsed.value as UnknownObject, {
        manager: options.fieldManager,
        force: options.force,
        nowMs: services.clock.now(),
      });
      const { duplicates } = parsed;
      if (duplicates !== undefined && options.fieldValidation === 'Strict')
        throw newBadRequest(`error strict decoding YAML: ${duplicates}`);
      if (duplicates !== undefined && options.fieldValidation === 'Warn' && !warned)
        exchange.warnings.push(...warningsOfYAML(duplicates));
      warned = true;
      return toVersioned(scope, schema, applied);
    },
  };
}

/** Most clients send JSON, which is YAML that can be read faster. What is wrong with it is told as of YAML. */
function parseText(text: string): ParsedYAML {
  if (!text.startsWith('{')) return parseYAML(text);
  try {
    const { value, duplicates } = parseJSON(text);
    return duplicates.length === 0 ? { value } : parseYAML(text);
  } catch (error) {
    if (error instanceof JSONError) return parseYAML(text);
    throw error;
  }
}

/** How the YAML reader of upstream begins. */
const NOT_CONVERTED = 'error converting YAML to JSON: ';

function parseConfiguration(body: Buffer): ParsedYAML {
  try {
    const { value, duplicates } = parseText(body.toString('utf8'));
    const strict = duplicates === undefined ? {} : { duplicates: `${NOT_CONVERTED}${duplicates}` };
    if (value === null || value === undefined) return { value: {}, ...strict };
    if (typeof value === 'object' && !Array.isArray(value)) return { value, ...strict };
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw newBadRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  } catch (error) {
    if (error instanceof YAMLError)
      throw newBadRequest(`error decoding YAML: ${NOT_CONVERTED}${error.message}`);
    throw error;
  }
}

/** The merged object in canonical form. What fits its type in OpenAPI's eyes may still not fit Go's. */
function toVersioned(
  { apiVersion, kind }: FieldManagerScope,
  schema: StructSchema,
  object: UnknownObject,
): UnknownObject {
  try {
    return canonicalize(schema, object);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { namespace = '', name = '' } = object.metadata;
    const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    throw new StatusError(
      '',
      `failed to convert new object (${namespace}/${name}; ${version}, Kind=${kind}) to proper version: ${error.message}`,
    );
  }
}
