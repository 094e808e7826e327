/** Reads what the path and method ask for. Mirrors apiserver endpoints/request/requestinfo.go. */
import { newBadRequest } from '../../api/machinery/errors.ts';
import { parseFieldSelector } from '../../api/machinery/fields.ts';
import type { Exchange, RequestEnvironment, RequestInfo } from '../exchange.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Filter } from './filter.ts';

/** `namespaces/x/status` is a subresource of the namespace, not a resource in it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Of requests without a query; nobody changes one. */
const NO_QUERY = new URLSearchParams();

const NOT_A_RESOURCE: Omit<RequestInfo, 'path' | 'verb'> = {
  isResourceRequest: false,
  apiGroup: '',
  apiVersion: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  isItem: false,
  rest: [],
  isWatchPath: false,
};

/** Refuses paths that cannot be read. */
export function requestInfo(): Filter {
  return (next) => (exchange) =>
    exchange.pathError === undefined ? next(exchange) : respondError(exchange, exchange.pathError);
}

export function newExchange(request: Request, environment: RequestEnvironment): Exchange {
  return new RequestExchange(request, environment);
}

class RequestExchange implements Exchange {
  readonly request: Request;
  readonly environment: RequestEnvironment;
  readonly query: URLSearchParams;
  readonly info: RequestInfo;
  readonly warnings: string[] = [];
  readonly headers: Record<string, string> = {};
  readonly pathError?: Error;
  user: Exchange['user'];

  constructor(request: Request, environment: RequestEnvironment) {
    this.request = request;
    this.environment = environment;
    const { url } = request;
    const start = url.indexOf('/', url.indexOf('//') + 2);
    const question = url.indexOf('?', start);
    const encoded = start < 0 ? '/' : url.slice(start, question < 0 ? undefined : question);
    this.query = question < 0 ? NO_QUERY : new URLSearchParams(url.slice(question + 1));
    let path = encoded;
    try {
      if (encoded.includes('%')) path = decodeURIComponent(encoded);
    } catch {
      this.pathError = newBadRequest(`invalid URL escape in path ${JSON.stringify(encoded)}`);
    }
    this.info = parseRequestInfo(request.method, path, this.query);
  }

  /** Made on first use: most requests are over before anybody asks. */
  get signal(): AbortSignal {
    return this.request.signal;
  }
}

/** Facts of a request; `path` is decoded. */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const [prefix, ...parts] = splitPath(path);
  if ((prefix !== 'api' && prefix !== 'apis') || parts.length < 2) {
    return { ...NOT_A_RESOURCE, path, verb: method.toLowerCase() };
  }
  const apiGroup = prefix === 'apis' ? parts.shift()! : '';
  const apiVersion = parts.shift()!;
  if (parts.length === 0) return { ...NOT_A_RESOURCE, path, verb: method.toLowerCase() };
  const isWatchPath = parts[0] === 'watch' && parts.length > 1;
  if (isWatchPath) parts.shift();
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2]!)) parts.splice(0, 2);
  }
  const [resource = '', itemName = '', subresource = '', ...rest] = parts;
  const verb = isWatchPath ? 'watch' : verbOf(method, itemName, query);
  const name = itemName === '' && (verb === 'list' || verb === 'watch') ? selectedName(query) : itemName;
  return {
    isResourceRequest: true,
    path,
    verb,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    isItem: itemName !== '',
    rest,
    isWatchPath,
  };
}

/** Segments between slashes; slashes at either end do not count. */
function splitPath(path: string): string[] {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return path.slice(start, end).split('/');
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'GET':
    case 'HEAD':
      if (name !== '') return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      return '';
  }
}

/** Query booleans are true unless they are absent, `0` or `false`; an empty value is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** The one name a field selector asks for, so that permissions on that name apply; '' otherwise. */
function selectedName(query: URLSearchParams): string {
  const text = query.get('fieldSelector') ?? '';
  if (!text.includes('metadata.name')) return '';
  try {
    const name = parseFieldSelector(text).exactValue('metadata.name') ?? '';
    return name.includes('/') || name.includes('%') || name === '.' || name === '..' ? '' : name;
  } catch {
    // The handler tells what is wrong with the selector.
    return '';
  }
}
