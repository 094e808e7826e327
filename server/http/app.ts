/** The server as a pure function from Request to Response; sockets are the adapter's matter. */
import { Hono } from 'hono';
import type { ResourceDefinition } from '../../api/definition.ts';
import { newMethodNotSupported, StatusError } from '../../api/machinery/errors.ts';
import { chain, recover, type ChainOptions } from './chain.ts';
import type { Discovery } from './discovery.ts';
import type { Endpoints } from './endpoints.ts';
import type { Call, HandlerServices } from './handlers/call.ts';
import { handleDelete, handleDeleteCollection } from './handlers/delete.ts';
import { handleGet, handleList, handleWatch } from './handlers/read.ts';
import { handleCreate, handlePatch, handleUpdate } from './handlers/write.ts';
import type { HonoTypes, RequestEnvironment, RequestState, Verb } from './request.ts';

export interface AppOptions extends ChainOptions {
  readonly services: HandlerServices;
  readonly discovery: Discovery;
  readonly endpoints: Endpoints;
}

export interface App {
  fetch(request: Request, environment?: RequestEnvironment): Response | Promise<Response>;
}

const HANDLERS: Readonly<Record<Verb, (call: Call) => Promise<Response>>> = {
  get: handleGet,
  list: handleList,
  watch: handleWatch,
  create: handleCreate,
  update: handleUpdate,
  patch: handlePatch,
  delete: handleDelete,
  deletecollection: handleDeleteCollection,
};

export function createApp(options: AppOptions): App {
  const app = new Hono<HonoTypes>();
  app.onError(recover(options.logger));
  for (const stage of chain(options)) app.use('*', stage);
  app.all('*', async (context) => {
    const state = context.get('state');
    const request = context.req.raw;
    const query = new URL(request.url).searchParams;
    if (state.info.isResourceRequest) return dispatch(options.services, request, query, state);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const { path } = state.info;
    const answer = isRead ? ((await options.discovery.serve(request, path)) ?? options.endpoints(request, path, query)) : undefined;
    return answer ?? notFound();
  });
  return { fetch: (request, environment = {}) => app.fetch(request, environment) };
}

/** Text as the real server's router answers; clients turn it into their own words. */
function notFound(): Response {
  return new Response('404 page not found\n', { status: 404, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } });
}

function methodNotAllowed(definition: ResourceDefinition, verb: string): StatusError {
  return newMethodNotSupported({ group: definition.group, resource: definition.names.plural }, verb);
}

/** From the facts of the request to the handler of its verb. There are no routes per kind: definitions decide. */
async function dispatch(services: HandlerServices, request: Request, query: URLSearchParams, state: RequestState): Promise<Response> {
  const { info } = state;
  const definition = services.definitions.find(info.group, info.version, info.resource);
  const version = definition?.versions.find(({ name }) => name === info.version);
  if (definition === undefined || version === undefined || info.rest.length > 0) return notFound();
  const isNamespaceItself = definition.names.plural === 'namespaces' && definition.group === '';
  if (!definition.namespaced && info.namespace !== '' && !isNamespaceItself) return notFound();
  const subresource = info.subresource === '' ? undefined : definition.subresources.find(({ name }) => name === info.subresource);
  if (info.subresource !== '' && subresource === undefined) return notFound();
  const verbs = subresource?.verbs ?? definition.verbs;
  const handler = Object.hasOwn(HANDLERS, info.verb) ? HANDLERS[info.verb as Verb] : undefined;
  const needsNamespace = definition.namespaced && info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch';
  const misplacedCreate = info.verb === 'create' && info.name !== '' && subresource === undefined;
  if (handler === undefined || !verbs.includes(info.verb) || needsNamespace || misplacedCreate || request.method === 'HEAD') throw methodNotAllowed(definition, info.verb);
  if (subresource !== undefined && !IMPLEMENTED_SUBRESOURCES.has(subresource.name)) {
    throw new StatusError('MethodNotAllowed', `${definition.names.plural}/${subresource.name} is not implemented by kubemu`);
  }
  if (!STORED_VERBS.some((verb) => definition.verbs.includes(verb)) && definition.names.plural !== 'bindings') {
    throw new StatusError('MethodNotAllowed', `${definition.names.plural} is not implemented by kubemu`);
  }
  if (version.deprecationWarning !== undefined) state.warnings.push(version.deprecationWarning);
  const namespace = definition.namespaced ? info.namespace : '';
  return handler({
    services,
    request,
    query,
    state,
    definition,
    version,
    subresource,
    context: { user: state.user, warnings: state.warnings, signal: state.signal },
    target: { definition, version: version.name },
    scope: { namespace },
    object: { namespace, name: info.name },
  });
}

/** Kinds without these verbs answer questions instead of being stored. */
const STORED_VERBS = ['get', 'list'];

/** The other subresources are refused by name. */
const IMPLEMENTED_SUBRESOURCES = new Set(['status', 'scale', 'binding', 'eviction', 'finalize']);
