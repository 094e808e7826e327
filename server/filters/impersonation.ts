/** Lets those who may act as somebody else. Mirrors apiserver endpoints/filters/impersonation. */
import { newBadRequest } from '../../api/machinery/errors.ts';
import { newAccessDenied } from '../authz/attributes.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import type { Exchange } from '../exchange.ts';
import type { UserInfo } from '../registry/interface.ts';
import type { Filter } from './filter.ts';

const USER_HEADER = 'impersonate-user';
const GROUP_HEADER = 'impersonate-group';
const UID_HEADER = 'impersonate-uid';
const EXTRA_PREFIX = 'impersonate-extra-';
const ANY_HEADER = /^impersonate-/i;
const AUTHENTICATION_GROUP = 'authentication.k8s.io';
const ANONYMOUS = 'system:anonymous';
const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';

/** One thing that is asked to be taken for, as the authorizer sees it. */
interface Part {
  readonly kind: 'ServiceAccount' | 'User' | 'Group' | 'UserExtra' | 'UID';
  readonly resource: string;
  readonly name: string;
  readonly namespace?: string;
  /** Key of extra information. */
  readonly subresource?: string;
}

export function impersonation(authorizer: Authorizer): Filter {
  return (next) => {
    const nextAs = async (exchange: Exchange, parts: readonly Part[]): Promise<Response> => {
      await actAs(exchange, authorizer, parts);
      return next(exchange);
    };
    return (exchange) => {
      if (!mayImpersonate(exchange)) return next(exchange);
      const parts = partsOf(exchange.request.headers);
      return parts.length === 0 ? next(exchange) : nextAs(exchange, parts);
    };
  };
}

/** Hardly any request does, and going through the platform's Headers is dear. */
function mayImpersonate({ environment: { rawHeaders } }: Exchange): boolean {
  if (rawHeaders === undefined) return true;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (ANY_HEADER.test(rawHeaders[index]!)) return true;
  return false;
}

/** Each part must be allowed to the user who asks; then that user is another. Throws 400 and 403. */
async function actAs(exchange: Exchange, authorizer: Authorizer, parts: readonly Part[]): Promise<void> {
  const user = exchange.user!;
  const [first] = parts;
  if (first!.kind !== 'User' && first!.kind !== 'ServiceAccount')
    throw newBadRequest(`requested [${parts.map(formatPart).join(' ')}] without impersonating a user`);
  for (const part of parts) {
    const attributes = attributesOf(user, part);
    const { decision, reason } = await authorizer.authorize(attributes);
    if (decision !== 'allow') throw newAccessDenied(attributes, reason);
  }
  exchange.user = userOf(parts);
}

function partsOf(headers: Headers): Part[] {
  const user = headers.get(USER_HEADER) ?? '';
  const uid = headers.get(UID_HEADER) ?? '';
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  const parts: Part[] = [];
  if (account !== null)
    parts.push({
      kind: 'ServiceAccount',
      resource: 'serviceaccounts',
      namespace: account[1],
      name: account[2]!,
    });
  else if (user !== '') parts.push({ kind: 'User', resource: 'users', name: user });
  for (const name of valuesOf(headers.get(GROUP_HEADER)))
    parts.push({ kind: 'Group', resource: 'groups', name });
  for (const [header, value] of headers) {
    if (!header.startsWith(EXTRA_PREFIX)) continue;
    const subresource = unescapeKey(header.slice(EXTRA_PREFIX.length));
    for (const name of valuesOf(value))
      parts.push({ kind: 'UserExtra', resource: 'userextras', name, subresource });
  }
  if (uid !== '') parts.push({ kind: 'UID', resource: 'uids', name: uid });
  return parts;
}

/** A header that was sent several times comes as one, its values behind commas. */
function valuesOf(value: string | null): string[] {
  return value === null ? [] : value.split(',').map((text) => text.trim());
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function attributesOf(user: UserInfo, part: Part): AuthorizationAttributes {
  const isAuthentication = part.kind === 'UserExtra' || part.kind === 'UID';
  return {
    user,
    verb: 'impersonate',
    isResourceRequest: true,
    apiGroup: isAuthentication ? AUTHENTICATION_GROUP : '',
    apiVersion: isAuthentication ? 'v1' : '',
    namespace: part.namespace ?? '',
    resource: part.resource,
    subresource: part.subresource ?? '',
    name: part.name,
    path: '',
  };
}

function userOf(parts: readonly Part[]): UserInfo {
  const [who] = parts;
  const isAccount = who!.kind === 'ServiceAccount';
  const name = isAccount ? `system:serviceaccount:${who!.namespace}:${who!.name}` : who!.name;
  const uid = parts.find(({ kind }) => kind === 'UID')?.name;
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const { subresource, name: value } of parts)
    if (subresource !== undefined) (extra[subresource] ??= []).push(value);
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: groupsOf(parts, name),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** Those that were asked for, else the fixed ones of a service account; and whether one is known at all. */
function groupsOf(parts: readonly Part[], user: string): string[] {
  const [who] = parts;
  const asked = parts.filter(({ kind }) => kind === 'Group').map(({ name }) => name);
  const groups =
    asked.length === 0 && who!.kind === 'ServiceAccount'
      ? ['system:serviceaccounts', `system:serviceaccounts:${who!.namespace}`]
      : asked;
  if (user === ANONYMOUS) return groups.includes(UNAUTHENTICATED) ? groups : [...groups, UNAUTHENTICATED];
  const isSaid = groups.includes(AUTHENTICATED) || groups.includes(UNAUTHENTICATED);
  return isSaid ? groups : [...groups, AUTHENTICATED];
}

/** An ObjectReference as Go prints it. */
function formatPart({ kind, name, namespace = '', subresource = '' }: Part): string {
  const apiVersion = kind === 'UserExtra' || kind === 'UID' ? `${AUTHENTICATION_GROUP}/v1` : '';
  return `{${[kind, namespace, name, '', apiVersion, '', subresource].join(' ')}}`;
}
