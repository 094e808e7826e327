/** A client whose writes fail now and then, as those of an overloaded server do. */
import type { Client } from '../../../api/machinery/client.ts';
import { newConflict, newInternalError, newTimeout } from '../../../api/machinery/errors.ts';
import { randomInt, type Random } from '../../../api/machinery/random.ts';
import type { ControllerDefinition } from '../../../controllers/runtime/controller.ts';

export interface Faults {
  readonly random: Random;
  /** How many writes of a hundred fail. */
  percent: number;
  /** How many writes failed so far. */
  count: number;
}

const FAILURES = [
  (resource: string) => newConflict({ group: '', resource }, 'any', 'made up'),
  () => newInternalError(new Error('made up')),
  () => newTimeout('made up'),
];

/** The controller, with a client that `faults` decides about. Events are not touched. */
export function withFaults(definition: ControllerDefinition, faults: Faults): ControllerDefinition {
  return {
    ...definition,
    setup: (context) => definition.setup({ ...context, client: createFaultyClient(context.client, faults) }),
  };
}

function createFaultyClient(client: Client, faults: Faults): Client {
  /** Half of the failures come after the write was done: the caller cannot know. */
  const attempt = async <R>(resource: string, write: () => Promise<R>): Promise<R> => {
    if (randomInt(faults.random, 100) >= faults.percent) return write();
    faults.count++;
    if (randomInt(faults.random, 2) === 0) await write();
    throw FAILURES[randomInt(faults.random, FAILURES.length)]!(resource);
  };
  return {
    get: (resource, target) => client.get(resource, target),
    getScale: (resource, target) => client.getScale(resource, target),
    list: (resource, options) => client.list(resource, options),
    watch: (resource, options, handler) => client.watch(resource, options, handler),
    create: (resource, object, options) =>
      attempt(resource.resource, () => client.create(resource, object, options)),
    update: (resource, object, options) =>
      attempt(resource.resource, () => client.update(resource, object, options)),
    patch: (resource, target, patch, options) =>
      attempt(resource.resource, () => client.patch(resource, target, patch, options)),
    delete: (resource, target, options) =>
      attempt(resource.resource, () => client.delete(resource, target, options)),
    deleteCollection: (resource, options) => client.deleteCollection(resource, options),
    createSubresource: (resource, target, subresource, body) =>
      client.createSubresource(resource, target, subresource, body),
    resources: (verbs) => client.resources(verbs),
    resourceOf: (apiVersion, kind) => client.resourceOf(apiVersion, kind),
    as: (component) => createFaultyClient(client.as(component), faults),
  };
}
