/** The API server on a port: its app, its certificate, its health. */
import { loadDocuments } from '../../openapi/documents.ts';
import { listen, type Listener } from '../adapter/node-server.ts';
import { createApp, type App } from '../app.ts';
import { createAuthenticator } from '../authn/authenticator.ts';
import { createControlSurface } from '../control/control-surface.ts';
import { MUTATING_REQUESTS_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_MAX } from '../filters/max-in-flight.ts';
import type { HealthCheck } from '../health/health.ts';
import type { CertificateKeeper } from '../pki/keep.ts';
import { KUBERNETES_VERSION } from '../version.ts';
import { AUTHORIZER, type ApiServer } from './api-server.ts';

/** Names of the server's certificate besides the address it listens on. */
const HOSTS = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
];

/** Serves the API; `isReady` says whether the cluster has begun its work. */
export async function serve(
  server: ApiServer,
  certificates: CertificateKeeper,
  isReady: () => boolean,
): Promise<Listener> {
  const { options, time, logger } = server.groundwork;
  const { host = '127.0.0.1', port = 0 } = options;
  const bound = { port };
  const app = createServerApp(server, isReady, () => `${host}:${bound.port}`);
  const { key, certificate } = await certificates.certificate('apiserver', {
    commonName: 'kube-apiserver',
    usage: 'server',
    hosts: [...new Set([...HOSTS, host])],
  });
  const clientAuthority = certificates.authority.certificate;
  const tls = { key, certificate, clientAuthority };
  const listener = await listen({ fetch: app.fetch, host, port, tls, clock: time.wall, logger });
  bound.port = listener.port;
  return listener;
}

function createServerApp(
  { groundwork, ...server }: ApiServer,
  isReady: () => boolean,
  serverAddress: () => string,
): App {
  const { options, time, logger } = groundwork;
  const { definitions, registry, creators, tokens, tasks, metrics } = server;
  return createApp({
    registry,
    definitions,
    creators,
    authenticator: createAuthenticator({ tokenAuthenticators: [tokens] }),
    tokens,
    metrics,
    inFlightLimits: {
      readOnly: options.maxRequestsInFlight ?? REQUESTS_IN_FLIGHT_MAX,
      mutating: options.maxMutatingRequestsInFlight ?? MUTATING_REQUESTS_IN_FLIGHT_MAX,
    },
    authorizer: AUTHORIZER,
    clock: time.clock,
    wall: time.wall,
    tasks,
    control: createControlSurface(server.control),
    random: server.requests,
    logger,
    version: { gitVersion: KUBERNETES_VERSION, buildDate: '2026-01-01T00:00:00Z' },
    healthChecks: healthChecks(isReady),
    openAPI: loadDocuments(definitions),
    serverAddress,
  });
}

function healthChecks(isReady: () => boolean): HealthCheck[] {
  const everywhere = ['healthz', 'livez', 'readyz'] as const;
  const always = (): boolean => true;
  return [
    { name: 'ping', endpoints: everywhere, isHealthy: always },
    { name: 'log', endpoints: everywhere, isHealthy: always },
    { name: 'etcd', endpoints: everywhere, isHealthy: always },
    { name: 'etcd-readiness', endpoints: ['readyz'], isHealthy: always },
    { name: 'informer-sync', endpoints: ['readyz'], isHealthy: isReady },
    { name: 'poststarthook/start-kubemu-controllers', endpoints: everywhere, isHealthy: isReady },
    { name: 'shutdown', endpoints: ['readyz'], isHealthy: always },
  ];
}
