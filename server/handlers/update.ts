/** PUT of an object, or of a part of it that has its shape. Mirrors apiserver handlers/update.go. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { authorizeCreate } from './create-authorization.ts';
import { readObject } from './create.ts';
import { parseWriteOptions } from './options.ts';
import type { Handler } from './resource-request.ts';

export const update: Handler = async (request) => {
  const { exchange, services, context, target, object: place, form, subresource } = request;
  const format = negotiateObject(exchange, form.offer);
  const options = parseWriteOptions(exchange, 'UpdateOptions');
  const object = await readObject(request, options);
  matchName(object, place.name);
  // The registry may change what it gets, and may ask again.
  const { result, created } = await services.registry.update(
    context,
    target,
    place,
    () => structuredCopy(object),
    {
      ...options,
      ...(subresource === undefined
        ? { mayCreate: true, authorizeCreate: () => authorizeCreate(request) }
        : { subresource }),
    },
  );
  return respondObject(exchange, services.clock, format, form, result, created ? 201 : 200);
};

function matchName(object: UnknownObject, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === '') {
    throw newBadRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (given !== name) {
    throw newBadRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}
