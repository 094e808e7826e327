/** GET of one object, or of a part of it that has its shape. Mirrors apiserver handlers/get.go. */
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import type { Answer } from '../filters/filter.ts';
import type { ResultObject } from '../registry/interface.ts';
import type { Handler } from './resource-request.ts';

export const get: Handler = ({ exchange, services, context, target, object, form }) => {
  const { registry, clock } = services;
  const format = negotiateObject(exchange, form.offer);
  const answer = (result: ResultObject): Answer => respondObject(exchange, clock, format, form, result);
  const resourceVersion = exchange.query.get('resourceVersion') ?? '';
  if (resourceVersion === '' || resourceVersion === '0') return answer(registry.current(target, object));
  return registry.get(context, target, object, { resourceVersion }).then(answer);
};
