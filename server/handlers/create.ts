/** POST of a new object. Mirrors apiserver handlers/create.go. */
import { newBadRequest } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { bodyTypeOf, readBody } from '../negotiation/request-body.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { decodeRequestObject } from './decode.ts';
import { parseWriteOptions, type WriteQuery } from './options.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';

export const create: Handler = async (request) => {
  const { exchange, services, context, target, scope, form } = request;
  const format = negotiateObject(exchange, form.offer);
  const options = parseWriteOptions(exchange, 'CreateOptions');
  const object = await readObject(request, options);
  const result = await services.registry.create(context, target, scope, object, options);
  return respondObject(exchange, services.clock, format, form, result, 201);
};

/** The object of the body, in the kind of the resource. */
export async function readObject(request: ResourceRequest, options: WriteQuery): Promise<UnknownObject> {
  const { exchange, services, definition, version, form } = request;
  const body = await readBody(exchange.request);
  const object = decodeRequestObject({
    body,
    type: bodyTypeOf(exchange.request, form.offer.types),
    expected: {
      group: definition.group,
      version: version.name,
      kind: definition.names.kind,
      schema: version.schema,
    },
    definitions: services.definitions,
    fieldValidation: options.fieldValidation,
    warnings: exchange.warnings,
  });
  object.metadata ??= {};
  matchNamespace(object, request.scope.namespace);
  return object;
}

/** The namespace of the body is that of the URL, or is left to it. Objects without namespaces lose theirs. */
function matchNamespace(object: UnknownObject, namespace: string): void {
  const given = object.metadata.namespace ?? '';
  if (namespace === '') delete object.metadata.namespace;
  else if (given !== '' && given !== namespace) {
    throw newBadRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
}
