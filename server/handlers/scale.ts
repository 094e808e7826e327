/** The scale subresource: a Scale made from its parent, and written back to it. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { scaleTable } from '../../api/groups/printing/index.ts';
import { newBadRequest, newNotFound } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Answer } from '../filters/filter.ts';
import { newForm, type ObjectForm } from '../negotiation/form.ts';
import { bodyTypeOf, readBody } from '../negotiation/request-body.ts';
import type { OutputFormat } from '../negotiation/accept.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { isApplyPatch } from '../registry/patching.ts';
import { changeScale, scaleOf, scaleSchema } from '../registry/scale.ts';
import { applyScaleConfiguration } from './apply.ts';
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
  const format = negotiateObject(exchange, scaleForm().offer);
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
  if (isApplyPatch(request.exchange.request))
    return applyScaleConfiguration(request, scaleForm(), (parent, format) =>
      respondScale(request, format, parent),
    );
  const reader = await readPatch(request, true);
  return writeScale(request, reader.options, (current) => reader.apply(scaleSchema(), current));
};

async function writeScale(
  request: ResourceRequest,
  options: WriteQuery,
  newScale: (current: UnknownObject) => UnknownObject,
): Promise<Response> {
  const { exchange, services, context, target, object: place, definition } = request;
  const format = negotiateObject(exchange, scaleForm().offer);
  const updater = (parent: UnknownObject | undefined): UnknownObject => {
    if (parent === undefined)
      throw newNotFound({ group: definition.group, resource: definition.names.plural }, place.name);
    return changeScale(target, parent, newScale, {
      manager: options.fieldManager,
      nowMs: services.clock.now(),
    });
  };
  // Replicas are part of the main resource, so its rules hold (generation, validation).
  const { result } = await services.registry.update(context, target, place, updater, {
    ...options,
    tracked: false,
  });
  return respondScale(request, format, result.object);
}

function respondScale(
  { exchange, services, definition }: ResourceRequest,
  format: OutputFormat,
  parent: UnknownObject,
): Answer {
  return respondObject(exchange, services.clock, format, scaleForm(), {
    object: scaleOf(definition, parent),
  });
}
