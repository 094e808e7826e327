/** Resources that can only be created: their answer is all there is, nothing is stored. */
import type { Status } from '../../api/machinery/errors.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { negotiateObject, respondObject } from '../negotiation/write-object.ts';
import { readObject } from './create.ts';
import { notImplemented, respondCreated } from './create-subresource.ts';
import { parseWriteOptions, type WriteQuery } from './options.ts';
import type { Handler, ResourceRequest } from './resource-request.ts';

/** Answers a posted object with the same, its status filled in, or with a Status. */
export type VirtualCreator = (
  request: ResourceRequest,
  object: UnknownObject,
  options: WriteQuery,
) => UnknownObject | Status | Promise<UnknownObject | Status>;

/** Creators by `plural.group`; what is not among them is refused by name. */
export function virtualCreate(creators: Readonly<Record<string, VirtualCreator>>): Handler {
  return async (request) => {
    const { exchange, services, definition, form } = request;
    const name = formatGroupResource({ group: definition.group, resource: definition.names.plural });
    const creator = Object.hasOwn(creators, name) ? creators[name] : undefined;
    if (creator === undefined) throw notImplemented(name);
    const format = negotiateObject(exchange, form.offer);
    const options = parseWriteOptions(exchange, 'CreateOptions');
    const object = await readObject(request, options);
    const answer = await creator(request, object, options);
    return respondCreated(request, answer, () =>
      respondObject(exchange, services.clock, format, form, { object: answer as UnknownObject }, 201),
    );
  };
}

/** POST to `bindings` binds the pod that the binding names. */
export const createBinding: VirtualCreator = ({ services, context, scope }, binding, options) => {
  const definition = services.definitions.find('', 'v1', 'pods')!;
  const pod = { namespace: scope.namespace, name: binding.metadata.name ?? '' };
  return services.creators.create(context, { definition, version: 'v1' }, pod, 'binding', binding, options);
};
