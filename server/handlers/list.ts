/** GET of a collection. Mirrors apiserver handlers/get.go ListResource. */
import { forbidden } from '../../api/machinery/field-errors.ts';
import { negotiateList, respondList } from '../negotiation/write-list.ts';
import { parseListOptions, throwInvalidOptions } from './options.ts';
import type { Handler } from './resource-request.ts';

export const list: Handler = async ({ exchange, services, context, target, scope, form }) => {
  const format = negotiateList(exchange, form);
  const {
    timeoutSeconds: _,
    allowWatchBookmarks: __,
    sendInitialEvents,
    ...options
  } = parseListOptions(exchange);
  if (sendInitialEvents !== undefined) {
    throwInvalidOptions('ListOptions', [
      forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'),
    ]);
  }
  const outcome = await services.registry.list(context, target, scope, options);
  return respondList(exchange, services.clock, format, form, outcome);
};
