/** Which form of an answer the client takes. Mirrors apiserver endpoints/handlers/negotiation. */
import { newNotAcceptable } from '../../../api/machinery/errors.ts';

export type MediaType = 'json' | 'yaml' | 'protobuf';

export interface AcceptClause {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** How an object is to be shown. */
export interface Negotiated {
  readonly mediaType: MediaType;
  /** Another kind made from the object: a table of `kubectl get`, or its metadata only. */
  readonly transform?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
}

export const MEDIA_TYPES: Readonly<Record<MediaType, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

/** Clauses of an Accept header, the best quality first; an absent header accepts anything. */
export function parseAccept(header: string | null): AcceptClause[] {
  if (header === null || header.trim() === '') return [{ type: '*/*', parameters: {} }];
  const clauses = header.split(',').map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = Object.fromEntries(
      rest.map((part) => {
        const [key = '', value = ''] = part.split('=');
        return [key.trim().toLowerCase(), value.trim()] as const;
      }),
    );
    return { type: type.toLowerCase(), parameters, quality: Number(parameters['q'] ?? '1') };
  });
  return clauses.sort((a, b) => b.quality - a.quality).map(({ type, parameters }) => ({ type, parameters }));
}

const BY_TYPE: Readonly<Record<string, MediaType>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
  'application/*': 'json',
  '*/*': 'json',
};

export interface Offer {
  readonly mediaTypes: readonly MediaType[];
  readonly transforms: readonly NonNullable<Negotiated['transform']>[];
}

/** The first clause that can be met. Throws 406 with what could have been. */
export function negotiate(header: string | null, offer: Offer): Negotiated {
  for (const { type, parameters } of parseAccept(header)) {
    const mediaType = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type]! : undefined;
    if (mediaType === undefined || !offer.mediaTypes.includes(mediaType)) continue;
    const as = parameters['as'];
    if (as === undefined) return { mediaType };
    if (parameters['g'] !== 'meta.k8s.io' || (parameters['v'] !== 'v1' && parameters['v'] !== 'v1beta1')) continue;
    const transform = offer.transforms.find((name) => name === as);
    // Tables have no protobuf form.
    if (transform === undefined || (transform === 'Table' && mediaType === 'protobuf')) continue;
    return { mediaType, transform };
  }
  throw newNotAcceptable(offer.mediaTypes.map((name) => MEDIA_TYPES[name]));
}
