/** What a request is about, found once and carried along. */
import type { UserInfo } from '../registry/interface.ts';

/** Facts of the connection a request came over. */
export interface RequestEnvironment {
  /** Subject of the client certificate, when one was presented and verified. */
  readonly peer?: PeerCertificate;
  /** A certificate was presented that the authority did not sign, or that is over. */
  readonly peerRejected?: boolean;
}

export interface PeerCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface RequestInfo {
  readonly path: string;
  readonly isResourceRequest: boolean;
  /** Lower-case HTTP method for requests that are not about resources. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** True for the deprecated /watch/ paths. */
  readonly isWatchPath: boolean;
  /** Path segments behind the subresource. */
  readonly rest: readonly string[];
}

/** State of one request, in Hono's variables. */
export interface RequestState {
  readonly info: RequestInfo;
  readonly warnings: string[];
  readonly auditId: string;
  readonly signal: AbortSignal;
  user: UserInfo;
}

export interface HonoTypes {
  Bindings: RequestEnvironment;
  Variables: { state: RequestState };
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Mirrors apiserver endpoints/request/requestinfo.go. `query` is the part behind the question mark. */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const plain = { path, isResourceRequest: false, verb: method.toLowerCase(), group: '', version: '', namespace: '', resource: '', subresource: '', name: '', isWatchPath: false, rest: [] };
  const parts = path.split('/').filter((part) => part !== '').map(decodeSegment);
  const prefix = parts.shift();
  if (prefix !== 'api' && prefix !== 'apis') return plain;
  const group = prefix === 'apis' ? (parts.shift() ?? '') : '';
  const version = parts.shift() ?? '';
  if (version === '' || parts.length === 0) return { ...plain, group, version };
  const isWatchPath = parts[0] === 'watch';
  if (isWatchPath) parts.shift();
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2]!)) parts.splice(0, 2);
  }
  const [resource = '', name = '', subresource = '', ...rest] = parts;
  const verb = verbOf(method, name, isWatchPath, query);
  return { path, isResourceRequest: true, verb, group, version, namespace, resource, subresource, name, isWatchPath, rest };
}

function verbOf(method: string, name: string, isWatchPath: boolean, query: URLSearchParams): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    case 'GET':
    case 'HEAD':
      if (isWatchPath) return 'watch';
      if (name !== '') return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    default:
      return method.toLowerCase();
  }
}

/** As upstream reads booleans in queries: present means true unless it says otherwise. */
export function isTrue(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
