/** `/api` and `/apis`, legacy and aggregated. Documents are made when first asked for and kept until definitions change. */
import { createHash } from 'node:crypto';
import type { DefinitionSet } from '../../api/definition-set.ts';
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import {
  covers,
  JSON_TYPE,
  negotiate,
  notAcceptable,
  parseAccept,
  PLAIN_OFFER,
  PROTOBUF_TYPE,
  tryNegotiate,
  type AcceptClause,
  type OutputFormat,
} from '../negotiation/accept.ts';
import { encodeDocument } from '../negotiation/encode.ts';
import { respond, respondCompressible } from '../negotiation/respond.ts';
import { withPretty } from '../negotiation/write-object.ts';
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type Document,
} from './documents.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const AGGREGATED_TYPE = 'io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList';
const AGGREGATED_PARAMETERS = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Answers discovery requests; undefined when the path is none of discovery's. */
export type Discovery = (exchange: Exchange) => Promise<Response | undefined>;

interface Encoded {
  readonly body: Uint8Array;
  /** Upper-case hexadecimal SHA-512 of the JSON. */
  readonly hash: string;
}

/** `serverAddress` is `host:port` as clients reach it. */
export function createDiscovery(definitions: DefinitionSet, serverAddress: () => string): Discovery {
  let cache = new Map<string, unknown>();
  definitions.onChange(() => (cache = new Map()));
  const cached = <T>(key: string, make: () => T): T => {
    if (!cache.has(key)) cache.set(key, make());
    return cache.get(key) as T;
  };
  const findGroup = (name: string): ReturnType<DefinitionSet['groups']>[number] | undefined =>
    definitions.groups().find((group) => group.name === name);
  const namedGroups = (): ReturnType<DefinitionSet['groups']> =>
    definitions.groups().filter(({ name }) => name !== '');

  const legacy = (path: string): [string, Document] | undefined => {
    const [root, group, version, ...rest] = path.replaceAll(/^\/+|\/+$/g, '').split('/');
    if (rest.length > 0) return undefined;
    if (root === 'api') {
      const core = findGroup('');
      if (group === undefined) return ['APIVersions', apiVersions(core?.versions ?? [], serverAddress())];
      if (version !== undefined || core?.versions.includes(group) !== true) return undefined;
      return ['APIResourceList', cached(path, () => apiResourceList(core, group))];
    }
    if (group === undefined) return ['APIGroupList', cached(path, () => apiGroupList(namedGroups()))];
    const entry = group === '' ? undefined : findGroup(group);
    if (entry === undefined) return undefined;
    if (version === undefined) return ['APIGroup', cached(path, () => apiGroup(entry))];
    if (!entry.versions.includes(version)) return undefined;
    return ['APIResourceList', cached(path, () => apiResourceList(entry, version))];
  };

  const aggregated = (root: 'api' | 'apis', format: OutputFormat): Encoded =>
    cached(`${root} ${format.type} ${format.pretty}`, () => {
      const groups = root === 'apis' ? namedGroups() : definitions.groups().filter(({ name }) => name === '');
      const document = aggregatedDiscovery(groups) as UnknownObject;
      const schema = builtInSchema(AGGREGATED_TYPE);
      const json = encodeDocument(schema, document, { type: JSON_TYPE, pretty: false });
      const hash = createHash('sha512').update(json).digest('hex').toUpperCase();
      return { body: encodeDocument(schema, document, format), hash };
    });

  return async (exchange) => {
    const { path } = exchange.info;
    const root = /^\/(apis?)(?:\/|$)/.exec(path)?.[1] as 'api' | 'apis' | undefined;
    if (root === undefined) return undefined;
    const accept = exchange.request.headers.get('accept');
    if (/^\/apis?\/?$/.test(path)) {
      const format = aggregatedFormat(accept);
      if (format !== undefined)
        return respondAggregated(exchange, withPretty(exchange, format), (f) => aggregated(root, f));
    }
    const found = legacy(path);
    if (found === undefined) return undefined;
    const [kind, document] = found;
    const format = withPretty(exchange, negotiate(accept, PLAIN_OFFER));
    const body = encodeDocument(builtInSchema(`${META}.${kind}`), document as UnknownObject, format);
    return respondCompressible(exchange, 200, { 'Content-Type': format.type }, body);
  };
}

async function respondAggregated(
  exchange: Exchange,
  format: OutputFormat,
  encode: (format: OutputFormat) => Encoded,
): Promise<Response> {
  const { body, hash } = encode(format);
  const headers = {
    'Content-Type': `${format.type}${AGGREGATED_PARAMETERS}`,
    ETag: `"${hash}"`,
    Vary: 'Accept',
    'Cache-Control': 'public',
  };
  if (exchange.request.headers.get('if-none-match') === headers.ETag)
    return respond(exchange, 304, headers, null);
  return respondCompressible(exchange, 200, headers, body);
}

/**
 * The form of the aggregated document, when the first clause that can be met asks for it; undefined when that asks for the
 * legacy document. Throws 406 when none can be met.
 */
function aggregatedFormat(header: string | null): OutputFormat | undefined {
  if (header === null || header === '') return undefined;
  for (const clause of parseAccept(header)) {
    if (isAggregated(clause)) {
      const type = [JSON_TYPE, PROTOBUF_TYPE].find((candidate) => covers(clause, candidate));
      if (type !== undefined) return { type: type as OutputFormat['type'], pretty: false };
    } else if (
      clause.parameters['as'] === undefined &&
      PLAIN_OFFER.types.some((type) => covers(clause, type))
    ) {
      return undefined;
    }
  }
  if (tryNegotiate(header, PLAIN_OFFER) === undefined) throw notAcceptable(PLAIN_OFFER);
  return undefined;
}

function isAggregated({ parameters }: AcceptClause): boolean {
  const { g, v, as } = parameters;
  return g === 'apidiscovery.k8s.io' && v === 'v2' && as === 'APIGroupDiscoveryList';
}
