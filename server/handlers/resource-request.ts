/** What every verb handler gets. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../api/definition.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { Random } from '../../api/machinery/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import { formOf, type ObjectForm } from '../negotiation/form.ts';
import type {
  ObjectTarget,
  RequestContext,
  ResourceRegistry,
  ResourceTarget,
  Scope,
} from '../registry/interface.ts';
import type { SubresourceCreators } from '../registry/subresources.ts';

export interface HandlerServices {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  /** POST to subresources whose body is another kind. */
  readonly creators: SubresourceCreators;
  /** Time of the objects. */
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  /** Time of the client. */
  readonly wall: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly requestMetrics: RequestMetrics;
}

/** A request for a resource that exists, by a verb it has. */
export interface ResourceRequest {
  readonly exchange: Exchange;
  readonly services: HandlerServices;
  readonly definition: ResourceDefinition;
  readonly version: VersionDefinition;
  readonly subresource?: SubresourceDefinition;
  readonly target: ResourceTarget;
  readonly form: ObjectForm;
  readonly context: RequestContext;
  /** Of the object in the path; name '' for collections. */
  readonly object: ObjectTarget;
  readonly scope: Scope;
}

export type Handler = (request: ResourceRequest) => Answer;

export function newResourceRequest(
  exchange: Exchange,
  services: HandlerServices,
  definition: ResourceDefinition,
  version: VersionDefinition,
  subresource?: SubresourceDefinition,
): ResourceRequest {
  const { info, user, warnings } = exchange;
  const namespace = definition.namespaced ? info.namespace : '';
  return {
    exchange,
    services,
    definition,
    version,
    ...(subresource === undefined ? {} : { subresource }),
    target: { definition, version: version.name },
    form: formOf(definition, version),
    context: {
      user: user!,
      warnings,
      get signal() {
        return exchange.signal;
      },
    },
    object: { namespace, name: info.isItem ? info.name : '' },
    scope: { namespace },
  };
}
