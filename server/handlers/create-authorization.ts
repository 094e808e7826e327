/** Writes that may create need the permission to. Mirrors handlers/create.go withAuthorization. */
import { attributesOf, newAccessDenied } from '../authz/attributes.ts';
import type { ResourceRequest } from './resource-request.ts';

/** Throws 403 unless the user may create what the path names. */
export async function authorizeCreate({ exchange, services }: ResourceRequest): Promise<void> {
  const attributes = { ...attributesOf(exchange.user!, exchange.info), verb: 'create' };
  const { decision, reason } = await services.authorizer.authorize(attributes);
  if (decision !== 'allow') throw newAccessDenied(attributes, reason);
}
