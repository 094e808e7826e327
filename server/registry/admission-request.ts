import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { AdmissionRequest } from '../admission/plugin.ts';
import type { ObjectTarget, RequestContext } from './interface.ts';
import type { ResolvedTarget } from './resolved-target.ts';

/** What a write asks of admission besides who asks. */
interface AskedWrite {
  readonly operation: AdmissionRequest['operation'];
  readonly subresource: string;
  readonly dryRun: boolean;
  readonly object?: UnknownObject;
  readonly oldObject?: UnknownObject;
}

/** A request to admission; nobody waits for its end yet. */
export function newAdmissionRequest(
  { user, warnings }: RequestContext,
  { storing }: ResolvedTarget,
  { namespace, name }: ObjectTarget,
  { operation, subresource, dryRun, object, oldObject }: AskedWrite,
): AdmissionRequest {
  return {
    operation,
    definition: storing,
    subresource,
    namespace,
    name,
    object,
    oldObject,
    user,
    dryRun,
    warnings,
    settled: [],
  };
}

/** Writes, and tells those who wait for it that the write is done, or will not be. */
export function settling<R>(request: AdmissionRequest, write: () => Promise<R>): Promise<R> {
  return request.settled.length === 0 ? write() : settleAfter(request, write);
}

async function settleAfter<R>({ settled }: AdmissionRequest, write: () => Promise<R>): Promise<R> {
  let isStored = false;
  try {
    const result = await write();
    isStored = true;
    return result;
  } finally {
    for (const call of settled.splice(0)) await call(isStored);
  }
}
