/** A request as the authorizer sees it, and the refusal. Mirrors handlers/responsewriters/errors.go. */
import { newForbidden, type StatusError } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import type { RequestInfo } from '../exchange.ts';
import type { UserInfo } from '../registry/interface.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

export function attributesOf(user: UserInfo, info: RequestInfo): AuthorizationAttributes {
  const { verb, isResourceRequest, apiGroup, apiVersion, namespace, resource, subresource, name, path } =
    info;
  return {
    user,
    verb,
    isResourceRequest,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    path,
  };
}

const HTML_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** 403 in upstream's words. What the caller sent is told with its angle brackets escaped. */
export function newAccessDenied(attributes: AuthorizationAttributes, reason = ''): StatusError {
  const text = refusal(attributes).replaceAll(/[&<>]/g, (character) => HTML_ESCAPES[character]!);
  const resource = { group: attributes.apiGroup, resource: attributes.resource };
  return newForbidden(resource, attributes.name, reason === '' ? text : `${text}: ${reason}`);
}

function refusal(attributes: AuthorizationAttributes): string {
  const { user, verb, apiGroup, namespace, subresource } = attributes;
  const who = `User ${goQuote(user.name)} cannot ${verb}`;
  if (!attributes.isResourceRequest) return `${who} path ${goQuote(attributes.path)}`;
  const resource = subresource === '' ? attributes.resource : `${attributes.resource}/${subresource}`;
  const what = `${who} resource ${goQuote(resource)} in API group ${goQuote(apiGroup)}`;
  return namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${goQuote(namespace)}`;
}
