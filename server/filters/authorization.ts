/** Asks whether the user may do it. Mirrors apiserver endpoints/filters/authorization.go. */
import type { AuthorizationAttributes, Authorizer, Decision } from '../authz/authorizer.ts';
import { attributesOf, newAccessDenied } from '../authz/attributes.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer, Filter } from './filter.ts';

export function authorization(authorizer: Authorizer): Filter {
  return (next) => {
    const decide = (
      exchange: Exchange,
      attributes: AuthorizationAttributes,
      { decision, reason }: Decision,
    ): Answer => {
      if (decision === 'allow') return next(exchange);
      return respondError(exchange, newAccessDenied(attributes, reason), {
        'X-Content-Type-Options': 'nosniff',
      });
    };
    return (exchange) => {
      const attributes = attributesOf(exchange.user!, exchange.info);
      const decision = authorizer.authorize(attributes);
      return decision instanceof Promise
        ? decision.then((decided) => decide(exchange, attributes, decided))
        : decide(exchange, attributes, decision);
    };
  };
}
