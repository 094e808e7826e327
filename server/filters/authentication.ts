/** Finds out who the request is from. Mirrors apiserver endpoints/filters/authentication.go. */
import { newUnauthorized } from '../../api/machinery/errors.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import { respondError } from '../negotiation/write-status.ts';
import type { Exchange } from '../exchange.ts';
import type { UserInfo } from '../registry/interface.ts';
import type { Answer, Filter } from './filter.ts';

export interface FlowControlIdentity {
  /** UIDs told in X-Kubernetes-Pf-* headers. */
  readonly flowSchemaUid: string;
  readonly priorityLevelUid: string;
}

export function authentication(authenticator: Authenticator, flowControl: FlowControlIdentity): Filter {
  return (next) => {
    const letIn = (exchange: Exchange, user: UserInfo | undefined): Answer => {
      if (user === undefined) return respondError(exchange, newUnauthorized());
      exchange.user = user;
      exchange.headers['X-Kubernetes-Pf-Flowschema-Uid'] = flowControl.flowSchemaUid;
      exchange.headers['X-Kubernetes-Pf-Prioritylevel-Uid'] = flowControl.priorityLevelUid;
      return next(exchange);
    };
    return (exchange) => {
      const user = authenticator.authenticate(exchange.request.headers, exchange.environment);
      return user instanceof Promise ? user.then((found) => letIn(exchange, found)) : letIn(exchange, user);
    };
  };
}
