/** delete and deletecollection. */
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { newBadRequest, newInvalid, type Status } from '../../../api/machinery/errors.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { invalid, notSupported } from '../../../api/machinery/validation.ts';
import type { DeleteOptions, ResultObject } from '../../registry/interface.ts';
import { bodyMediaType, decodeBody, readBody } from '../negotiation/request-body.ts';
import { respondStatus } from '../negotiation/responses.ts';
import { isTrue } from '../request.ts';
import { negotiateList, negotiateObject, respondObject, type Call } from './call.ts';
import { dryRunOption, integerOption, listOptions } from './options.ts';
import { respondList } from './read.ts';

const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const POLICIES = ['Background', 'Foreground', 'Orphan'] as const;

interface RawDeleteOptions {
  gracePeriodSeconds?: number;
  orphanDependents?: boolean;
  propagationPolicy?: string;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

export async function handleDelete(call: Call): Promise<Response> {
  const negotiated = negotiateObject(call);
  const { services, context, target, object, definition } = call;
  const { options, orphanDependents } = await deleteOptions(call);
  const { result, gone } = await services.registry.delete(context, target, object, options);
  const code = !gone && orphanDependents === false ? 202 : 200;
  if (gone && definition.behaviour.deleteReturnsObject !== true) return respondStatus(call.request, { ...deletedStatus(call, result), code });
  return respondObject(call, code, negotiated, result);
}

function deletedStatus({ definition }: Call, { object }: ResultObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.names.plural,
      uid: object.metadata.uid,
    },
    code: 200,
  };
}

export async function handleDeleteCollection(call: Call): Promise<Response> {
  const negotiated = negotiateList(call);
  const { services, context, target, scope, query } = call;
  const { options } = await deleteOptions(call);
  const outcome = await services.registry.deleteCollection(context, target, scope, listOptions(query), options);
  return respondList(call, negotiated, outcome);
}

/** From the body when there is one, else from the query. */
async function deleteOptions(call: Call): Promise<{ options: DeleteOptions; orphanDependents: boolean | undefined }> {
  const body = await readBody(call.request);
  const raw = body.length === 0 ? optionsFromQuery(call.query) : optionsFromBody(call, body);
  // A dry run in the query holds whatever the body says.
  const dryRun = dryRunOption([...(raw.dryRun ?? []), ...(body.length === 0 ? [] : call.query.getAll('dryRun'))], 'DeleteOptions');
  return { options: { dryRun, ...checked(raw) }, orphanDependents: raw.orphanDependents };
}

function optionsFromQuery(query: URLSearchParams): RawDeleteOptions {
  const orphan = query.get('orphanDependents');
  return {
    gracePeriodSeconds: integerOption(query, 'gracePeriodSeconds'),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
    dryRun: query.getAll('dryRun'),
  };
}

function optionsFromBody({ request }: Call, body: Buffer): RawDeleteOptions {
  const schema = builtInSchema(DELETE_OPTIONS);
  const expected = { schema, group: '', version: 'v1', kind: 'DeleteOptions', anyGroup: true, knows: () => true };
  const mediaType = bodyMediaType(request.headers.get('content-type'));
  const { object } = decodeBody(body, mediaType, expected) as unknown as { object: UnknownObject & RawDeleteOptions };
  return object;
}

function checked(raw: RawDeleteOptions): Omit<DeleteOptions, 'dryRun'> {
  const { gracePeriodSeconds, orphanDependents, propagationPolicy, preconditions } = raw;
  const errors = [];
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    errors.push(invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (propagationPolicy !== undefined && !POLICIES.some((policy) => policy === propagationPolicy)) {
    errors.push(notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil']));
  }
  if (errors.length > 0) throw newInvalid('meta.k8s.io', 'DeleteOptions', '', errors);
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) throw newBadRequest('gracePeriodSeconds must be a whole number');
  const fromOrphan = orphanDependents === undefined ? undefined : orphanDependents ? ('Orphan' as const) : ('Background' as const);
  return {
    gracePeriodSeconds,
    propagationPolicy: (propagationPolicy as DeleteOptions['propagationPolicy']) ?? fromOrphan,
    preconditions,
  };
}
