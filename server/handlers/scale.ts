/** The scale subresource: a Scale made from its parent, and written back to it. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { scaleTable } from '../../api/groups/printing/index.ts';
import { newBadRequest, newNotFound } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { negotiate } from '../negotiation/accept.ts';
import { newForm, type ObjectForm } from '../negotiation/form.ts';
import { bodyTypeOf, readBody } from '../negotiation/request-body.ts';
import { respondObject } from '../negotiation/write-object.ts';
import { applyScale, scaleOf, scaleSchema } from '../registry/scale.ts';
import { decodeRequestObject } from './decode.ts';
import { parseWriteOptions, type WriteQuery } from './options.ts';
import { readPatch } from './patch.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';

let form: ObjectForm | undefined;

function scaleForm(): ObjectForm {
  return (form ??= newForm({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    schema: scaleSchema(),
    table: scaleTable,
  }));
}

export const getScale: Handler = async ({ exchange, services, context, target, object, definition }) => {
  const format = negotiate(exchange.request.headers.get('accept'), scaleForm().offer);
  const resourceVersion = exchange.query.get('resourceVersion') ?? undefined;
  const { object: parent } = await services.registry.get(context, target, object, { resourceVersion });
  return respondObject(exchange, services.clock, format, scaleForm(), {
    object: scaleOf(definition, parent),
  });
};

export const updateScale: Handler = async (request) => {
  const { exchange, services, object: place } = request;
  const options = parseWriteOptions(exchange, 'UpdateOptions');
  const scale = decodeRequestObject({
    body: await readBody(exchange.request),
    type: bodyTypeOf(exchange.request),
    expected: { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: scaleSchema() },
    definitions: services.definitions,
    fieldValidation: options.fieldValidation,
    warnings: exchange.warnings,
  });
  const given = scale.metadata?.name ?? '';
  if (given !== '' && given !== place.name) {
    throw newBadRequest(
      `the name of the object (${given}) does not match the name on the URL (${place.name})`,
    );
  }
  return writeScale(request, options, () => structuredCopy(scale));
};

export const patchScale: Handler = async (request) => {
  const reader = await readPatch(request, true);
  return writeScale(request, reader.options, (current) => reader.apply(scaleSchema(), current));
};

async function writeScale(
  { exchange, services, context, target, object: place, definition }: ResourceRequest,
  options: WriteQuery,
  newScale: (current: UnknownObject) => UnknownObject,
): Promise<Response> {
  const format = negotiate(exchange.request.headers.get('accept'), scaleForm().offer);
  const updater = (parent: UnknownObject | undefined): UnknownObject => {
    if (parent === undefined)
      throw newNotFound({ group: definition.group, resource: definition.names.plural }, place.name);
    return applyScale(definition, parent, newScale(scaleOf(definition, parent)));
  };
  // Replicas are part of the main resource, so its rules hold (generation, validation).
  const { result } = await services.registry.update(context, target, place, updater, options);
  const scale = scaleOf(definition, result.object);
  return respondObject(exchange, services.clock, format, scaleForm(), { object: scale });
}
