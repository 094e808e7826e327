/** Approves, signs and clears away requests for certificates. Mirrors pkg/controller/certificates. */
import { X509Certificate } from 'node:crypto';
import { readCertificateRequest } from '../../api/groups/certificates/certificate-request.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import {
  certificateSigningRequests,
  type CertificateSigningRequest,
} from '../../openapi/generated/certificates-v1.ts';
import type {
  CertificateSigner,
  ControllerContext,
  ControllerDefinition,
  Reconcile,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { checkKubeletClient, KUBELET_CLIENT_SIGNER, SIGNERS, type Refusal } from './signers.ts';

const HOUR_MS = 3_600_000;
const LIFETIME_MAX_MS = 365 * 24 * HOUR_MS;
const LIFETIME_MIN_MS = 10 * 60_000;
/** How long requests are kept, by what became of them. */
const KEEP_MS = { issued: HOUR_MS, refused: HOUR_MS, pending: 24 * HOUR_MS } as const;

export const certificateSigningController: ControllerDefinition = {
  name: 'certificatesigningrequest-signing-controller',
  aliases: ['csrsigning'],
  description: {
    does: `Signs approved requests for certificates with the cluster's authority, for the signers ${Object.keys(SIGNERS).join(', ')}: for as long as they ask, from ten minutes to a year.`,
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests/status'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    const { signer } = context.options;
    return watchRequests(context, 'csrsigning', async (request) => {
      const check = SIGNERS[request.spec.signerName];
      const isWanted = has(request, 'Approved') && !has(request, 'Denied') && !has(request, 'Failed');
      if (check === undefined || signer === undefined || !isWanted) return;
      const refusal = check(readCertificateRequest(pemOf(request)), request.spec.usages ?? []);
      await (refusal === undefined ? sign(context, signer, request) : refuse(context, request, refusal));
    });
  },
};

async function refuse(
  { client, clock }: ControllerContext,
  request: CertificateSigningRequest,
  message: Refusal,
): Promise<void> {
  const failed = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: formatTime(clock.now()),
  };
  const status = { ...request.status, conditions: [...(request.status?.conditions ?? []), failed] };
  await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'status' });
}

async function sign(
  { client }: ControllerContext,
  signer: CertificateSigner,
  request: CertificateSigningRequest,
): Promise<void> {
  const { expirationSeconds, usages = [] } = request.spec;
  const askedMs = expirationSeconds === undefined ? LIFETIME_MAX_MS : expirationSeconds * 1000;
  const lifetimeMs = Math.max(LIFETIME_MIN_MS, Math.min(askedMs, LIFETIME_MAX_MS));
  const certificate = signer.sign(pemOf(request), usages, lifetimeMs);
  const status = { ...request.status, certificate: Buffer.from(certificate).toString('base64') };
  await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'status' });
}

/** Who may have what approved, by the part of a request that they must be allowed to create. */
const RECOGNIZERS = [
  {
    subresource: 'selfnodeclient',
    isOwn: true,
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  },
  {
    subresource: 'nodeclient',
    isOwn: false,
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  },
] as const;
/** A request that its author may not have approved is looked at again after as long as it is old, within these bounds. */
const RETRY_MS = { min: 1000, max: 1_000_000 } as const;

export const certificateApprovingController: ControllerDefinition = {
  name: 'certificatesigningrequest-approving-controller',
  aliases: ['csrapproving'],
  description: {
    does: 'Approves requests for client certificates of nodes, when their author may create `selfnodeclient` (for itself) or `nodeclient` (for any node) of certificatesigningrequests.',
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests/approval'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    return watchRequests(context, 'csrapproving', async (request) => {
      if (has(request, 'Approved') || has(request, 'Denied')) return;
      return approve(context, request);
    });
  },
};

async function approve(
  { client, clock, options }: ControllerContext,
  request: CertificateSigningRequest,
): Promise<Result | void> {
  const { signerName, usages = [], username } = request.spec;
  if (signerName !== KUBELET_CLIENT_SIGNER) return;
  const asked = readCertificateRequest(pemOf(request));
  if (checkKubeletClient(asked, usages) !== undefined) return;
  for (const { subresource, isOwn, message } of RECOGNIZERS) {
    if (isOwn && asked.commonName !== username) continue;
    if ((await options.mayRequest?.(request.spec, subresource)) !== true) continue;
    const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
    const conditions = [...(request.status?.conditions ?? []), approved];
    const changed = { ...request, status: { ...request.status, conditions } };
    await client.update(certificateSigningRequests, changed, { subresource: 'approval' });
    return;
  }
  const ageMs = clock.now() - parseTime(request.metadata.creationTimestamp!);
  return { requeueAfterMs: Math.min(Math.max(ageMs, RETRY_MS.min), RETRY_MS.max), recurring: true };
}

export const certificateCleaningController: ControllerDefinition = {
  name: 'certificatesigningrequest-cleaner-controller',
  aliases: ['csrcleaner'],
  description: {
    does: 'Deletes requests for certificates: an hour after they were issued, denied or failed, a day after they were made or approved without more, and when their certificate is over.',
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    return watchRequests(context, 'csrcleaner', async (request) => {
      const leftMs = endOf(request) - context.clock.now();
      if (leftMs === Infinity) return undefined;
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      const { name, uid } = request.metadata;
      await context.client.delete(certificateSigningRequests, { name: name! }, { preconditions: { uid } });
      return undefined;
    });
  },
};

/** When the request is cleared away, epoch milliseconds; Infinity for never. Mirrors cleaner.go. */
function endOf({ metadata, status }: CertificateSigningRequest): number {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return parseTime(metadata.creationTimestamp!) + KEEP_MS.pending;
  const isIssued = status?.certificate !== undefined;
  const ends = conditions.flatMap(({ type, lastUpdateTime }) => {
    const since = lastUpdateTime === undefined ? Infinity : parseTime(lastUpdateTime);
    if (type === 'Denied' || type === 'Failed') return [since + KEEP_MS.refused];
    if (type !== 'Approved') return [];
    return isIssued
      ? [since + KEEP_MS.issued, certificateEnd(status.certificate!)]
      : [since + KEEP_MS.pending];
  });
  return Math.min(Infinity, ...ends);
}

function certificateEnd(encoded: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(encoded, 'base64')).validTo);
  } catch {
    return Infinity;
  }
}

type Sync = (request: CertificateSigningRequest) => ReturnType<Reconcile>;

/** Looks at every request, those for the approver and the signer only as long as they have no certificate. */
function watchRequests(context: ControllerContext, name: string, sync: Sync): RunningController {
  const informer = context.informer(certificateSigningRequests);
  const isForIssued = name === 'csrcleaner';
  const reconciler = createReconciler({
    name,
    context,
    workers: 2,
    reconcile: async (key) => {
      const request = informer.get(key);
      if (request === undefined || (request.status?.certificate !== undefined && !isForIssued)) return;
      try {
        return await sync(request);
      } catch (error) {
        if (isNotFound(error)) return;
        // Its event brings the request here again.
        if (!isConflict(error)) throw error;
      }
    },
  });
  const enqueue = ({ metadata }: CertificateSigningRequest): void => reconciler.queue.add(metadata.name!);
  informer.addHandler({ added: enqueue, updated: enqueue });
  return reconciler;
}

function pemOf({ spec }: CertificateSigningRequest): string {
  return Buffer.from(spec.request, 'base64').toString('utf8');
}

function has({ status }: CertificateSigningRequest, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type) === true;
}
