/** Asks whether the user may do it. Mirrors apiserver endpoints/filters/authorization.go. */
import type { Authorizer } from '../authz/authorizer.ts';
import { attributesOf, newAccessDenied } from '../authz/attributes.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Filter } from './filter.ts';

export function authorization(authorizer: Authorizer): Filter {
  return async (context, next) => {
    const exchange = context.get('exchange');
    const attributes = attributesOf(exchange.user!, exchange.info);
    const { decision, reason } = await authorizer.authorize(attributes);
    if (decision === 'allow') return next();
    return respondError(exchange, newAccessDenied(attributes, reason), {
      'X-Content-Type-Options': 'nosniff',
    });
  };
}
