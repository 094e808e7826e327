/** GET of one object, or of a part of it that has its shape. Mirrors apiserver handlers/get.go. */
import { negotiate } from '../negotiation/accept.ts';
import { respondObject } from '../negotiation/write-object.ts';
import type { Handler } from './resource-request.ts';

export const get: Handler = async ({ exchange, services, context, target, object, form }) => {
  const format = negotiate(exchange.request.headers.get('accept'), form.offer);
  const resourceVersion = exchange.query.get('resourceVersion') ?? undefined;
  const result = await services.registry.get(context, target, object, { resourceVersion });
  return respondObject(exchange, services.clock, format, form, result);
};
