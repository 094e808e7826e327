/** Tokens of service accounts. Mirrors registry/core/serviceaccount/storage token.go. */
import {
  newBadRequest,
  newConflict,
  newInvalid,
  newNotFound,
  StatusError,
  type FieldError,
} from '../../../api/machinery/errors.ts';
import { formatTime } from '../../../api/machinery/clock.ts';
import { goQuote } from '../../../api/machinery/go-format.ts';
import { parseGroupVersion } from '../../../api/machinery/gvk.ts';
import type { ObjectMeta, UnknownObject } from '../../../api/machinery/object-meta.ts';
import { invalid } from '../../../api/machinery/field-errors.ts';
import type { BoundObjectReference, TokenRequest } from '../../../openapi/generated/authentication-v1.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import { API_AUDIENCES } from '../../authn/authenticator.ts';
import { readCore, type Creation, type Creator } from './creator.ts';

const EXPIRATION_SECONDS_DEFAULT = 3600;
const EXPIRATION_SECONDS_MIN = 600;
const EXPIRATION_SECONDS_MAX = 2 ** 32;
/** What the kubelet asks for: such a token lives on, with a warning when it is used. */
const WARN_ONLY_SECONDS = 3607;
const EXTENDED_SECONDS = 24 * 365 * 3600;

export const createToken: Creator = async (creation) => {
  const { options, context, object } = creation;
  const request = creation.body as unknown as TokenRequest;
  if (options.tokens === undefined)
    throw new StatusError('', 'serviceaccounts/token is not implemented by kubemu', { code: 501 });
  checkMetadata(request.metadata, creation);
  const account = await readCore(options, context, 'serviceaccounts', object);
  if (account === undefined) throw newNotFound({ group: '', resource: 'serviceaccounts' }, object.name);
  checkUid(request.metadata, account.metadata);
  const asked = request.spec?.audiences ?? [];
  const audiences = asked.length === 0 ? [...API_AUDIENCES] : asked;
  const expirationSeconds = request.spec?.expirationSeconds ?? EXPIRATION_SECONDS_DEFAULT;
  const spec = { ...request.spec, audiences, expirationSeconds };
  validateExpiration(spec.expirationSeconds);
  const bound = await readBound(creation, spec.boundObjectRef);
  const isExtended =
    bound.pod !== undefined &&
    spec.expirationSeconds === WARN_ONLY_SECONDS &&
    audiences.every((audience) => API_AUDIENCES.includes(audience));
  const nowMs = options.clock.now();
  const token = await options.tokens.issue({
    ...bound,
    account: account.metadata,
    audiences,
    expirationSeconds: isExtended ? EXTENDED_SECONDS : spec.expirationSeconds,
    warnAfterSeconds: isExtended ? spec.expirationSeconds : 0,
  });
  return {
    ...creation.body,
    metadata: {
      ...request.metadata,
      name: object.name,
      namespace: object.namespace,
      uid: account.metadata.uid,
      creationTimestamp: formatTime(nowMs),
    },
    spec,
    status: { token, expirationTimestamp: formatTime(nowMs + spec.expirationSeconds * 1000) },
  };
};

function checkMetadata({ name = '', namespace = '' }: ObjectMeta, { object }: Creation): void {
  const refuse = (field: string, value: string, why: string): StatusError =>
    newInvalid('authentication.k8s.io', 'TokenRequest', object.name, [
      invalid(`metadata.${field}`, value, `must match the service account ${why} if specified`),
    ]);
  if (name !== '' && name !== object.name) throw refuse('name', name, 'name');
  if (namespace !== '' && namespace !== object.namespace) throw refuse('namespace', namespace, 'namespace');
}

function checkUid({ uid = '' }: ObjectMeta, account: ObjectMeta): void {
  if (uid === '' || uid === account.uid) return;
  const why = `the UID in the token request (${uid}) does not match the UID of the service account (${account.uid})`;
  throw newConflict({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, account.name!, why);
}

function validateExpiration(seconds: number): void {
  const errors: FieldError[] = [];
  if (seconds < EXPIRATION_SECONDS_MIN)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'),
    );
  if (seconds > EXPIRATION_SECONDS_MAX)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'),
    );
  if (errors.length > 0) throw newInvalid('authentication.k8s.io', 'TokenRequest', '', errors);
}

interface Bound {
  readonly pod?: ObjectMeta;
  readonly secret?: ObjectMeta;
  readonly node?: ObjectMeta;
}

/** What the token ends with. A pod brings its node along. */
async function readBound(creation: Creation, reference: BoundObjectReference | undefined): Promise<Bound> {
  if (reference === undefined || reference === null) return {};
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const { group = '', version = '' } = parseGroupVersion(apiVersion) ?? {};
  const { namespace } = creation.object;
  const read = async (resource: string, where: string): Promise<UnknownObject> => {
    const found = await readCore(creation.options, creation.context, resource, { namespace: where, name });
    if (found === undefined) throw newNotFound({ group: '', resource }, name);
    return found;
  };
  const check = (found: UnknownObject): ObjectMeta => {
    if (uid === '' || uid === found.metadata.uid) return found.metadata;
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw newConflict({ group: '', resource: kind }, name, why);
  };
  if (group === '' && kind === 'Secret') return { secret: check(await read('secrets', namespace)) };
  if (group === '' && kind === 'Node') return { node: check(await read('nodes', '')) };
  if (group !== '' || kind !== 'Pod')
    throw newBadRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  const pod = await read('pods', namespace);
  const node = await nodeOf(creation, pod as unknown as Pod);
  return { pod: check(pod), ...(node === undefined ? {} : { node }) };
}

async function nodeOf(
  { options, context, object }: Creation,
  { spec }: Pod,
): Promise<ObjectMeta | undefined> {
  if (object.name !== spec.serviceAccountName) {
    throw newBadRequest(
      `cannot bind token for serviceaccount ${goQuote(object.name)} to pod running with different serviceaccount name.`,
    );
  }
  const { nodeName: name = '' } = spec;
  if (name === '') return undefined;
  const node = await readCore(options, context, 'nodes', { namespace: '', name });
  // Of a node that is gone the name is still worth telling.
  return node?.metadata ?? { name };
}
