/** DELETE of one object. Mirrors apiserver handlers/delete.go. */
import type { Status } from '../../api/machinery/errors.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { respondStatus } from '../negotiation/write-status.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { Handler } from './resource-request.ts';

export const deleteOne: Handler = async (request) => {
  const { exchange, services, context, target, object, form, definition } = request;
  const format = negotiateObject(exchange, form.offer);
  const { orphanDependents, ...options } = await readDeleteOptions(request);
  const { result, gone } = await services.registry.delete(context, target, object, options);
  const code = !gone && orphanDependents === false ? 202 : 200;
  if (!gone || definition.behaviour.deleteReturnsObject === true) {
    return respondObject(exchange, services.clock, format, form, result, code);
  }
  const { name, uid } = result.object.metadata;
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, group: definition.group, kind: definition.names.plural, uid },
  } as unknown as Status;
  return respondStatus(exchange, status, code);
};
