/** From the facts of a request to what answers it. There are no routes per kind: definitions decide. */
import type { ResourceDefinition, SubresourceDefinition } from '../api/definition.ts';
import { StatusError } from '../api/machinery/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Answer } from './filters/filter.ts';
import { create } from './handlers/create.ts';
import { createSubresource, notImplemented } from './handlers/create-subresource.ts';
import { deleteCollection } from './handlers/delete-collection.ts';
import { deleteOne } from './handlers/delete.ts';
import { get } from './handlers/get.ts';
import { list } from './handlers/list.ts';
import { patch } from './handlers/patch.ts';
import { newResourceRequest, type Handler, type HandlerServices } from './handlers/resource-request.ts';
import { getScale, patchScale, updateScale } from './handlers/scale.ts';
import { update } from './handlers/update.ts';
import { watch } from './handlers/watch.ts';
import { CREATED_SUBRESOURCES } from './registry/subresources.ts';
import { respondText } from './negotiation/respond.ts';
import { respondError } from './negotiation/write-status.ts';

/** Handlers of subresources beyond the generic ones, by `plural/subresource` and verb (`get`, `create`, ...). */
export type SubresourceHandlers = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

export interface RouteOptions {
  readonly services: HandlerServices;
  /** POST to resources that store nothing. */
  readonly createVirtual: Handler;
  readonly subresources?: SubresourceHandlers;
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: deleteOne,
  deletecollection: deleteCollection,
};

const SCALE_HANDLERS: Readonly<Record<string, Handler>> = {
  get: getScale,
  update: updateScale,
  patch: patchScale,
};

/** Answers a request for a resource. */
export function dispatch(exchange: Exchange, options: RouteOptions): Answer {
  const { info, request } = exchange;
  const { definitions } = options.services;
  const definition = definitions.find(info.apiGroup, info.apiVersion, info.resource);
  if (definition === undefined) {
    const isServed = definitions
      .groups()
      .some(({ name, versions }) => name === info.apiGroup && versions.includes(info.apiVersion));
    return isServed ? unknownResource(exchange) : unknownPath(exchange);
  }
  const subresource = definition.subresources.find(({ name }) => name === info.subresource);
  if (!isPathOf(definition, subresource, exchange)) return unknownResource(exchange);
  const verbs = subresource?.verbs ?? definition.verbs;
  const isMethod = request.method !== 'HEAD' && (!info.isWatchPath || request.method === 'GET');
  const isAllowed = isMethod && verbs.includes(info.verb) && isVerbHere(definition, subresource, exchange);
  if (!isAllowed) return methodNotAllowed(exchange);
  const version = definition.versions.find(({ name }) => name === info.apiVersion)!;
  if (version.deprecationWarning !== undefined) exchange.warnings.push(version.deprecationWarning);
  const handler = handlerOf(definition, subresource, info.verb, options) ?? refuse(definition, subresource!);
  return handler(newResourceRequest(exchange, options.services, definition, version, subresource));
}

/** Whether the path, whatever the method, names something of this resource. */
function isPathOf(
  definition: ResourceDefinition,
  subresource: SubresourceDefinition | undefined,
  { info }: Exchange,
): boolean {
  if (info.subresource !== '' && subresource === undefined) return false;
  if (info.rest.length > 0 && info.subresource !== 'proxy') return false;
  if (definition.namespaced) return info.namespace !== '' || !info.isItem;
  const isNamespace = definition.group === '' && definition.names.plural === 'namespaces';
  return info.namespace === '' || isNamespace;
}

/** Whether the verb makes sense on this path: collections are not updated, items not created, and so on. */
function isVerbHere(
  definition: ResourceDefinition,
  subresource: SubresourceDefinition | undefined,
  { info }: Exchange,
): boolean {
  const { verb, isItem } = info;
  // Across namespaces there is only reading.
  if (definition.namespaced && info.namespace === '') return verb === 'list' || verb === 'watch';
  if (subresource !== undefined) return isItem;
  if (verb === 'create') return !isItem;
  return isItem || (verb !== 'update' && verb !== 'patch');
}

/** What answers a verb; undefined for a subresource that is refused by name. */
export function handlerOf(
  definition: ResourceDefinition,
  subresource: SubresourceDefinition | undefined,
  verb: string,
  options: Omit<RouteOptions, 'services'>,
): Handler | undefined {
  if (subresource === undefined) {
    return definition.verbs.includes('get') ? HANDLERS[verb]! : options.createVirtual;
  }
  const name = `${definition.names.plural}/${subresource.name}`;
  const special = options.subresources?.[name]?.[verb];
  if (special !== undefined) return special;
  if (subresource.name === 'scale' && definition.behaviour.scale !== undefined) return SCALE_HANDLERS[verb]!;
  if (subresource.kind !== undefined) {
    return CREATED_SUBRESOURCES.includes(name) ? createSubresource : undefined;
  }
  // Parts of the object itself: status, finalize, approval, resize and the like.
  return subresource.verbs.includes('update') ? HANDLERS[verb]! : undefined;
}

function refuse({ names }: ResourceDefinition, { name }: SubresourceDefinition): Handler {
  return () => Promise.reject(notImplemented(`${names.plural}/${name}`));
}

/** A path that nothing below serves. */
export function unknownPath(exchange: Exchange): Response {
  return respondText(exchange, 404, '404 page not found');
}

/** A path below a served group version. Mirrors genericapiserver serviceErrorHandler. */
function unknownResource(exchange: Exchange): Response {
  const message = 'the server could not find the requested resource';
  return respondError(exchange, new StatusError('NotFound', message, { details: {} }));
}

export function methodNotAllowed(exchange: Exchange): Response {
  const message = 'the server does not allow this method on the requested resource';
  return respondError(exchange, new StatusError('MethodNotAllowed', message, { details: {} }));
}
