/** Everything that is not a resource: version, health, OpenAPI and the index of paths. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { newNotAcceptable } from '../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import { parseAccept } from './negotiation/accept.ts';
import { isTrue } from './request.ts';

export interface HealthCheck {
  readonly name: string;
  /** Endpoints that ask it. */
  readonly endpoints: readonly ('healthz' | 'livez' | 'readyz')[];
  isHealthy(): boolean;
}

/** OpenAPI documents by path (`api/v1`, `apis/apps/v1`, `version`), as JSON, with hashes that change with them. */
export interface OpenAPIDocuments {
  index(): readonly { readonly path: string; readonly hash: string }[];
  document(path: string): Buffer | undefined;
  v2(): { readonly body: Buffer; readonly hash: string };
}

export interface EndpointOptions {
  readonly definitions: DefinitionSet;
  /** For example `v1.36.2`. */
  readonly kubernetesVersion: string;
  readonly buildDate: string;
  readonly checks: readonly HealthCheck[];
  readonly openapi: OpenAPIDocuments;
}

/** Answers the request, or undefined when the path is none of these. */
export type Endpoints = (request: Request, path: string, query: URLSearchParams) => Response | undefined;

export function createEndpoints(options: EndpointOptions): Endpoints {
  return (request, path, query) => {
    const [first = '', second] = path.split('/').filter((part) => part !== '');
    switch (first) {
      case '':
      case 'index.html':
        return raw({ paths: paths(options) });
      case 'version':
        return second === undefined ? raw(versionInfo(options)) : undefined;
      case 'healthz':
      case 'livez':
      case 'readyz':
        return health(first, second, query, options.checks);
      case 'openapi':
        if (second === 'v2' && path.replace(/\/$/, '') === '/openapi/v2') return openapiV2(request, options.openapi);
        if (second === 'v3') return openapiV3(request, path, query, options.openapi);
        return undefined;
      default:
        return undefined;
    }
  };
}

/** Indented, without a newline behind it, as these documents are written upstream. */
function raw(object: object): Response {
  return new Response(JSON.stringify(object, undefined, 2), { status: 200, headers: { 'Content-Type': 'application/json' } });
}

function versionInfo({ kubernetesVersion, buildDate }: EndpointOptions): object {
  const [major = '', minor = ''] = kubernetesVersion.replace(/^v/, '').split('.');
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: kubernetesVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate,
    goVersion: process.version,
    compiler: 'kubemu',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

function paths({ definitions, checks }: EndpointOptions): string[] {
  const groups = definitions.groups().filter(({ name }) => name !== '');
  const health = (['healthz', 'livez', 'readyz'] as const).flatMap((endpoint) => [
    `/${endpoint}`,
    ...checks.filter(({ endpoints }) => endpoints.includes(endpoint)).map(({ name }) => `/${endpoint}/${name}`),
  ]);
  return [
    '/api',
    '/api/v1',
    '/apis',
    '/apis/',
    ...groups.flatMap(({ name, versions }) => [`/apis/${name}`, ...versions.map((version) => `/apis/${formatGroupVersion(name, version)}`)]),
    ...health,
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/',
    '/version',
  ].sort();
}

function health(endpoint: 'healthz' | 'livez' | 'readyz', only: string | undefined, query: URLSearchParams, all: readonly HealthCheck[]): Response | undefined {
  const checks = all.filter(({ name, endpoints }) => endpoints.includes(endpoint) && (only === undefined || name === only));
  if (checks.length === 0) return undefined;
  const excluded = new Set(query.getAll('exclude'));
  let failed = false;
  const lines = checks.map(({ name, isHealthy }) => {
    if (excluded.delete(name)) return `[+]${name} excluded: ok`;
    if (isHealthy()) return `[+]${name} ok`;
    failed = true;
    return `[-]${name} failed: reason withheld`;
  });
  if (excluded.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...excluded].map((name) => JSON.stringify(name)).join(',')}`);
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  if (failed) return new Response(`${lines.join('\n')}\n${endpoint} check failed\n`, { status: 500, headers });
  const isVerbose = query.has('verbose') && isTrue(query.get('verbose'));
  return new Response(isVerbose ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok', { status: 200, headers });
}

function acceptsJSON(request: Request): boolean {
  return parseAccept(request.headers.get('accept')).some(({ type }) => type === 'application/json' || type === '*/*' || type === 'application/*');
}

function openapiV2(request: Request, openapi: OpenAPIDocuments): Response {
  if (!acceptsJSON(request)) throw newNotAcceptable(['application/json']);
  const { body, hash } = openapi.v2();
  return document(request, body, hash, {});
}

function openapiV3(request: Request, path: string, query: URLSearchParams, openapi: OpenAPIDocuments): Response | undefined {
  if (!acceptsJSON(request)) throw newNotAcceptable(['application/json']);
  const name = path.replace(/^\/openapi\/v3\/?/, '').replace(/\/$/, '');
  const entries = openapi.index();
  if (name === '') {
    const index = entries.map((entry) => [entry.path, { serverRelativeURL: `/openapi/v3/${entry.path}?hash=${entry.hash}` }] as const);
    return new Response(JSON.stringify({ paths: Object.fromEntries(index) }), { status: 200, headers: { 'Content-Type': 'application/json' } });
  }
  const entry = entries.find((candidate) => candidate.path === name);
  const body = entry === undefined ? undefined : openapi.document(name);
  if (entry === undefined || body === undefined) return undefined;
  const hash = query.get('hash');
  if (hash === null || hash === '') return document(request, body, entry.hash, {});
  if (hash !== entry.hash) {
    return new Response(null, { status: 301, headers: { Location: `/openapi/v3/${name}?hash=${entry.hash}` } });
  }
  return document(request, body, entry.hash, { 'Cache-Control': 'public, immutable' });
}

function document(request: Request, body: Buffer, hash: string, more: Record<string, string>): Response {
  const headers = { 'Content-Type': 'application/json', ETag: `"${hash}"`, Vary: 'Accept', ...more };
  if (request.headers.get('if-none-match') === `"${hash}"`) return new Response(null, { status: 304, headers });
  return new Response(new Uint8Array(body.buffer, body.byteOffset, body.length) as Uint8Array<ArrayBuffer>, { status: 200, headers });
}
