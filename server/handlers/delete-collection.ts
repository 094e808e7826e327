/** DELETE of a collection. Mirrors apiserver handlers/delete.go DeleteCollection. */
import { negotiateList, respondList } from '../negotiation/write-list.ts';
import { readDeleteOptions } from './delete-options.ts';
import { parseListOptions } from './options.ts';
import type { Handler } from './resource-request.ts';

export const deleteCollection: Handler = async (request) => {
  const { exchange, services, context, target, scope, form } = request;
  const format = negotiateList(exchange, form);
  const {
    labelSelector,
    fieldSelector,
    limit,
    continue: token,
    resourceVersion,
    resourceVersionMatch,
  } = parseListOptions(exchange);
  const { orphanDependents: _, ...options } = await readDeleteOptions(request);
  const list = {
    labelSelector,
    fieldSelector,
    limit,
    continue: token,
    resourceVersion,
    resourceVersionMatch,
  };
  const outcome = await services.registry.deleteCollection(context, target, scope, list, options);
  return respondList(exchange, services.clock, format, form, outcome);
};
