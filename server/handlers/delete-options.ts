/** DeleteOptions from the body, or from the query when there is no body. Mirrors apiserver handlers/delete.go. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { bodyTypeOf, readBody } from '../negotiation/request-body.ts';
import { isTrue } from '../filters/request-info.ts';
import type { DeleteOptions } from '../registry/interface.ts';
import { decodeRequestObject } from './decode.ts';
import { dryRunValues, integerOf, validateDeleteOptions } from './options.ts';
import type { ResourceRequest } from './resource-request.ts';

const DELETE_OPTIONS_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

interface GivenOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: string;
  readonly dryRun?: readonly string[];
}

/**
 * `ignoreStoreReadErrorWithClusterBreakingPotential` is not among them: a server with the gate AllowUnsafeMalformedObjectDeletion
 * off, as it is by default, takes it and does without.
 */
export interface DeleteRequestOptions extends DeleteOptions {
  /** The deprecated way to say how dependents go; `false` makes an unfinished delete answer 202. */
  readonly orphanDependents?: boolean;
}

/** Throws 400, 413, 415 and 422 as the body or the values are wrong. */
export async function readDeleteOptions(request: ResourceRequest): Promise<DeleteRequestOptions> {
  const { exchange } = request;
  const body = await readBody(exchange.request);
  const given = body.length === 0 ? fromQuery(exchange.query) : fromBody(request, body);
  const dryRun = given.dryRun ?? [];
  validateDeleteOptions({ ...given, dryRun });
  const { gracePeriodSeconds, preconditions, orphanDependents } = given;
  const policy = given.propagationPolicy as DeleteOptions['propagationPolicy'];
  const legacyPolicy =
    orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  const propagationPolicy = policy ?? legacyPolicy;
  return {
    dryRun: dryRun.length > 0,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
  };
}

/** Options may come as meta.k8s.io's or as those of any group version. */
function fromBody({ exchange, services }: ResourceRequest, body: Buffer): GivenOptions {
  return decodeRequestObject({
    body,
    type: bodyTypeOf(exchange.request),
    expected: {
      group: 'meta.k8s.io',
      version: 'v1',
      kind: 'DeleteOptions',
      schema: builtInSchema(DELETE_OPTIONS_TYPE),
      anyVersion: true,
    },
    definitions: services.definitions,
    fieldValidation: 'Ignore',
    warnings: exchange.warnings,
  }) as unknown as GivenOptions;
}

function fromQuery(query: URLSearchParams): GivenOptions {
  const policy = query.get('propagationPolicy') ?? '';
  const orphan = query.get('orphanDependents');
  const grace = query.get('gracePeriodSeconds') ?? '';
  if (query.has('preconditions')) throw newBadRequest('preconditions of a delete must be sent in its body');
  return {
    ...(grace === '' ? {} : { gracePeriodSeconds: integerOf(grace) }),
    ...(policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    dryRun: dryRunValues(query),
  };
}
