/** POST to subresources whose body is another kind: binding, eviction, token. */
import { newBadRequest, StatusError, type Status } from '../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { PLAIN_OFFER } from '../negotiation/accept.ts';
import { newForm } from '../negotiation/form.ts';
import { bodyTypeOf, readBody } from '../negotiation/request-body.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { respondStatus } from '../negotiation/write-status.ts';
import type { Answer } from '../filters/filter.ts';
import { decodeRequestObject } from './decode.ts';
import { parseWriteOptions } from './options.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';

export const createSubresource: Handler = async (request) => {
  const { exchange, services, context, target, object: place, subresource, definition } = request;
  const { kind, schema, name } = subresource!;
  if (kind === undefined || schema === undefined) throw notImplemented(`${definition.names.plural}/${name}`);
  const format = negotiateObject(exchange, PLAIN_OFFER);
  const options = parseWriteOptions(exchange, 'CreateOptions');
  const body = decodeRequestObject({
    body: await readBody(exchange.request),
    type: bodyTypeOf(exchange.request),
    expected: { ...kind, schema },
    definitions: services.definitions,
    fieldValidation: options.fieldValidation,
    warnings: exchange.warnings,
  });
  matchNamespace(body, place.namespace);
  const answer = await services.creators.create(context, target, place, name, body, options);
  const form = newForm({ kind: kind.kind, apiVersion: formatGroupVersion(kind.group, kind.version), schema });
  return respondCreated(request, answer, () =>
    respondObject(exchange, services.clock, format, form, { object: answer as UnknownObject }, 201),
  );
};

/** The namespace of the body is that of the URL, or is left to it. */
function matchNamespace(body: UnknownObject, namespace: string): void {
  body.metadata ??= {};
  const given = body.metadata.namespace ?? '';
  if (given === '') body.metadata.namespace = namespace;
  else if (given !== namespace) {
    throw newBadRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
}

/** A Status goes out as one, anything else as the object it is. */
export function respondCreated(
  { exchange }: ResourceRequest,
  answer: UnknownObject | Status,
  respondWithObject: () => Answer,
): Answer {
  if (answer.kind !== 'Status') return respondWithObject();
  // Also of a failure that is an answer and no error, as upstream.
  return respondStatus(exchange, answer as Status, 201);
}

/** 501 for what exists upstream and not here. */
export function notImplemented(what: string): StatusError {
  return new StatusError('', `${what} is not implemented by kubemu`, { code: 501 });
}
