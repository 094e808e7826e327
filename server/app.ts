/** The server as a pure function from Request to Response; sockets are the adapter's matter. */
import { Hono } from 'hono';
import type { DefinitionSet } from '../api/definition-set.ts';
import type { Clock } from '../api/machinery/clock.ts';
import { Metrics } from '../api/machinery/metrics.ts';
import type { Logger } from '../api/machinery/logger.ts';
import { randomUUID, type Random } from '../api/machinery/random.ts';
import type { TaskTracker } from '../api/machinery/tasks.ts';
import type { Authenticator } from './authn/authenticator.ts';
import type { ServiceAccountTokens } from './authn/service-account-tokens.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { filterChain } from './chain.ts';
import { createDiscovery } from './discovery/discovery.ts';
import { createOpenIDMetadata, OPENID_PATHS } from './discovery/openid.ts';
import { createOpenAPI, OPENAPI_PATHS, type OpenAPIDocuments } from './discovery/openapi.ts';
import type { Exchange, RequestEnvironment } from './exchange.ts';
import type { FlowControlIdentity } from './filters/authentication.ts';
import type { Answer } from './filters/filter.ts';
import {
  MUTATING_REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  type InFlightLimits,
} from './filters/max-in-flight.ts';
import { newExchange } from './filters/request-info.ts';
import { reviewCreators } from './handlers/reviews.ts';
import { createBinding, virtualCreate, type VirtualCreator } from './handlers/virtual.ts';
import { createHealth, type HealthCheck } from './health/health.ts';
import { indexPaths } from './health/paths.ts';
import { versionInfo, type VersionOptions } from './health/version.ts';
import { createMetricsEndpoint, METRICS_PATH } from './metrics/metrics-endpoint.ts';
import { RequestMetrics } from './metrics/request-metrics.ts';
import { respond } from './negotiation/respond.ts';
import type { ResourceRegistry } from './registry/interface.ts';
import type { SubresourceCreators } from './registry/subresources.ts';
import { dispatch, methodNotAllowed, unknownPath, type SubresourceHandlers } from './routes.ts';

export interface AppOptions {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  /** POST to subresources whose body is another kind. */
  readonly creators: SubresourceCreators;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Time of the objects. */
  readonly clock: Clock;
  /** Time of the clients, by which their requests expire. Default: `clock`. */
  readonly wall?: Clock;
  /** Told of requests under way. */
  readonly tasks?: TaskTracker;
  /** Answers what is below `/_kubemu/`. */
  readonly control?: OtherHandler;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: VersionOptions;
  readonly healthChecks: readonly HealthCheck[];
  /** Without documents the paths are not served. */
  readonly openAPI?: OpenAPIDocuments;
  /** `host:port` that legacy discovery tells. Default: `localhost`. */
  readonly serverAddress?: () => string;
  /** Tokens of service accounts; without it their keys are not published. */
  readonly tokens?: ServiceAccountTokens;
  /** What is served at `/metrics`. Default: metrics of this app alone. */
  readonly metrics?: Metrics;
  /** Requests worked on at a time. Default: upstream's. */
  readonly inFlightLimits?: Partial<InFlightLimits>;
  /** Default: UIDs made at the start. */
  readonly flowControl?: FlowControlIdentity;
  /** Handlers of subresources that the generic ones do not serve, by `plural/subresource` and verb. */
  readonly subresources?: SubresourceHandlers;
  /** Creators of resources that store nothing, by `plural.group`, besides bindings and access reviews. */
  readonly virtualCreators?: Readonly<Record<string, VirtualCreator>>;
}

export interface App {
  /** Never throws, never rejects. */
  readonly fetch: (request: Request, environment?: RequestEnvironment) => Answer;
}

export type OtherHandler = (exchange: Exchange) => Response | undefined | Promise<Response | undefined>;

export function createApp(options: AppOptions): App {
  const { clock, wall = clock, random } = options;
  const flowControl = options.flowControl ?? {
    flowSchemaUid: randomUUID(random),
    priorityLevelUid: randomUUID(random),
  };
  const metrics = options.metrics ?? new Metrics();
  const requestMetrics = new RequestMetrics(metrics, wall);
  const inFlightLimits = {
    readOnly: REQUESTS_IN_FLIGHT_MAX,
    mutating: MUTATING_REQUESTS_IN_FLIGHT_MAX,
    ...options.inFlightLimits,
  };
  const routes = {
    services: { ...options, wall, requestMetrics },
    createVirtual: virtualCreate({
      bindings: createBinding,
      ...reviewCreators(options.authenticator, options.authorizer),
      ...options.virtualCreators,
    }),
    ...(options.subresources === undefined ? {} : { subresources: options.subresources }),
  };
  const others = otherHandlers(options, wall, metrics);
  const chain = { ...options, wall, flowControl, requestMetrics, inFlightLimits };
  const handle = filterChain(chain, (exchange) =>
    exchange.info.isResourceRequest
      ? dispatch(exchange, routes)
      : serveOther(exchange, others, options.control),
  );
  const app = new Hono<{ Bindings: RequestEnvironment }>();
  // One route: which resource a path means, the definitions say (`routes.ts`), and every path goes through the whole chain.
  app.all('*', (context) => handle(newExchange(context.req.raw, context.env)));
  return { fetch: (request, environment = {}) => app.fetch(request, environment) };
}

function otherHandlers(options: AppOptions, wall: Clock, metrics: Metrics): readonly OtherHandler[] {
  const { definitions, healthChecks, openAPI } = options;
  const serverAddress = options.serverAddress ?? (() => 'localhost');
  const others = [
    METRICS_PATH,
    ...(openAPI === undefined ? [] : OPENAPI_PATHS),
    ...(options.tokens === undefined ? [] : OPENID_PATHS),
  ];
  const version = rawJSON(versionInfo(options.version));
  return [
    createDiscovery(definitions, serverAddress),
    createHealth(healthChecks),
    createMetricsEndpoint(metrics, options.version.gitVersion),
    ...(options.tokens === undefined ? [] : [createOpenIDMetadata(options.tokens, serverAddress)]),
    ...(openAPI === undefined ? [] : [createOpenAPI(openAPI, wall)]),
    (exchange) =>
      exchange.info.path === '/version' || exchange.info.path === '/version/'
        ? respondRaw(exchange, version)
        : undefined,
    (exchange) =>
      exchange.info.path === '/' || exchange.info.path === '/index.html'
        ? respondRaw(exchange, rawJSON({ paths: indexPaths(definitions, healthChecks, others) }))
        : undefined,
  ];
}

/** Indented, without a newline behind it, as upstream writes these documents. */
function rawJSON(value: object): string {
  return JSON.stringify(value, undefined, 2);
}

function respondRaw(exchange: Exchange, body: string): Response {
  return respond(exchange, 200, { 'Content-Type': 'application/json' }, body);
}

/** What is neither a resource nor the control surface can only be read. */
async function serveOther(
  exchange: Exchange,
  handlers: readonly OtherHandler[],
  control?: OtherHandler,
): Promise<Response> {
  const controlled = await control?.(exchange);
  if (controlled !== undefined) return controlled;
  const { method } = exchange.request;
  for (const handler of handlers) {
    const response = await handler(exchange);
    if (response === undefined) continue;
    return method === 'GET' || method === 'HEAD' ? response : methodNotAllowed(exchange);
  }
  return unknownPath(exchange);
}
