/** Approves, signs and clears away requests for certificates. Mirrors pkg/controller/certificates. */
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import {
  certificateSigningRequests,
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
} from '../../openapi/generated/certificates-v1.ts';
import type {
  CertificateRequestFacts,
  CertificateSigner,
  ControllerContext,
  ControllerDefinition,
  Reconcile,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const YEAR_MS = 365 * 24 * 3600 * 1000;
const HOUR_MS = 3_600_000;
/** How long requests are kept, by what became of them. */
const KEEP_MS = { approved: HOUR_MS, denied: HOUR_MS, pending: 24 * HOUR_MS } as const;
const NODE_PREFIX = 'system:node:';
const NODES_GROUP = 'system:nodes';
const CLIENT_USAGES = ['client auth', 'digital signature', 'key encipherment'];
const SERVER_USAGES = ['server auth', 'digital signature', 'key encipherment'];

type Problem = string | undefined;

interface SignerRules {
  readonly usages: readonly ('server' | 'client')[];
  /** Why the signer refuses, or undefined. */
  check(facts: CertificateRequestFacts, usages: readonly string[]): Problem;
}

/** The signers of the cluster. Mirrors api certificates helpers.go. */
const SIGNERS: Readonly<Record<string, SignerRules>> = {
  'kubernetes.io/kube-apiserver-client': {
    usages: ['client'],
    check: (_facts, usages) => checkUsages(usages, CLIENT_USAGES, 'client auth'),
  },
  'kubernetes.io/kube-apiserver-client-kubelet': {
    usages: ['client'],
    check: (facts, usages) =>
      checkNode(facts) ??
      (facts.hosts.length > 0 ? 'DNS or IP subjectAltNames are not allowed' : undefined) ??
      checkUsages(usages, CLIENT_USAGES, 'client auth'),
  },
  'kubernetes.io/kubelet-serving': {
    usages: ['server'],
    check: (facts, usages) =>
      checkNode(facts) ??
      (facts.hosts.length === 0 ? 'at least one DNS or IP subjectAltName is required' : undefined) ??
      checkUsages(usages, SERVER_USAGES, 'server auth'),
  },
  'kubernetes.io/legacy-unknown': { usages: ['client', 'server'], check: () => undefined },
};

function checkNode({ commonName, organizations }: CertificateRequestFacts): Problem {
  if (organizations.length !== 1 || organizations[0] !== NODES_GROUP)
    return `subject organization is not ${NODES_GROUP}`;
  return commonName.startsWith(NODE_PREFIX)
    ? undefined
    : `subject common name does not begin with ${NODE_PREFIX}`;
}

function checkUsages(usages: readonly string[], allowed: readonly string[], needed: string): Problem {
  return usages.includes(needed) && usages.every((usage) => allowed.includes(usage))
    ? undefined
    : 'usages did not match';
}

export const certificateSigningController: ControllerDefinition = {
  name: 'certificatesigningrequest-signing-controller',
  aliases: ['csrsigning'],
  description: {
    does: `Signs approved requests for certificates with the cluster's authority, for the signers ${Object.keys(SIGNERS).join(', ')}.`,
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests/status'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    const { signer } = context.options;
    return watchRequests(context, 'csrsigning', async (request) => {
      const rules = SIGNERS[request.spec.signerName];
      const isDone =
        request.status?.certificate !== undefined || has(request, 'Failed') || has(request, 'Denied');
      if (rules === undefined || signer === undefined || isDone || !has(request, 'Approved')) return;
      await sign(context, signer, rules, request);
    });
  },
};

async function sign(
  { client, clock }: ControllerContext,
  signer: CertificateSigner,
  rules: SignerRules,
  request: CertificateSigningRequest,
): Promise<void> {
  const pem = Buffer.from(request.spec.request, 'base64').toString('utf8');
  const usages = request.spec.usages ?? [];
  const problem = problemOf(() => rules.check(signer.read(pem), usages));
  const conditions = request.status?.conditions ?? [];
  if (problem !== undefined) {
    const failed = newCondition('Failed', 'SignerValidationFailure', problem, clock.now());
    const status = { ...request.status, conditions: [...conditions, failed] };
    await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'status' });
    return;
  }
  const askedMs = (request.spec.expirationSeconds ?? Infinity) * 1000;
  const certified = request.spec.signerName.endsWith('legacy-unknown') ? purposesOf(usages) : rules.usages;
  const certificate = signer.sign(pem, certified, Math.min(askedMs, YEAR_MS));
  const status = { ...request.status, certificate: Buffer.from(certificate).toString('base64') };
  await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'status' });
}

function purposesOf(usages: readonly string[]): ('server' | 'client')[] {
  return (['server', 'client'] as const).filter((purpose) => usages.includes(`${purpose} auth`));
}

function problemOf(check: () => Problem): Problem {
  try {
    return check();
  } catch (error) {
    return `unable to parse csr: ${(error as Error).message}`;
  }
}

export const certificateApprovingController: ControllerDefinition = {
  name: 'certificatesigningrequest-approving-controller',
  aliases: ['csrapproving'],
  description: {
    does: 'Approves the requests of nodes for client certificates of their own.',
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests/approval'],
    leavesOut: ['asking the authorizer: a node may ask for itself, nobody for another'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    const { signer } = context.options;
    return watchRequests(context, 'csrapproving', async (request) => {
      const rules = SIGNERS[request.spec.signerName];
      const isOpen = !has(request, 'Approved') && !has(request, 'Denied');
      if (!request.spec.signerName.endsWith('client-kubelet') || signer === undefined || !isOpen) return;
      const pem = Buffer.from(request.spec.request, 'base64').toString('utf8');
      const isOwn = problemOf(
        () =>
          rules!.check(signer.read(pem), request.spec.usages ?? []) ??
          (signer.read(pem).commonName === request.spec.username ? undefined : 'of another'),
      );
      if (isOwn !== undefined) return;
      const message = 'Auto approving self kubelet client certificate after SubjectAccessReview.';
      const approved = newCondition('Approved', 'AutoApproved', message, context.clock.now(), 'True');
      const conditions = [...(request.status?.conditions ?? []), approved];
      const changed = { ...request, status: { ...request.status, conditions } };
      await context.client.update(certificateSigningRequests, changed, { subresource: 'approval' });
    });
  },
};

export const certificateCleaningController: ControllerDefinition = {
  name: 'certificatesigningrequest-cleaner-controller',
  aliases: ['csrcleaner'],
  description: {
    does: 'Deletes requests for certificates: approved and denied ones after an hour, pending ones after a day.',
    watches: ['certificatesigningrequests'],
    writes: ['certificatesigningrequests'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('certificate-controller') };
    return watchRequests(context, 'csrcleaner', async (request) => {
      const leftMs = endOf(request) - context.clock.now();
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      const { name, uid } = request.metadata;
      await context.client.delete(certificateSigningRequests, { name: name! }, { preconditions: { uid } });
      return undefined;
    });
  },
};

/** When the request is cleared away, epoch milliseconds. */
function endOf({ metadata, status }: CertificateSigningRequest): number {
  const at = (type: string): number | undefined => {
    const found = status?.conditions?.find((condition) => condition.type === type);
    return found === undefined ? undefined : parseTime(found.lastUpdateTime ?? metadata.creationTimestamp!);
  };
  const approved = at('Approved');
  const denied = at('Denied') ?? at('Failed');
  if (denied !== undefined) return denied + KEEP_MS.denied;
  // An approved one that nobody signs waits as long as a pending one.
  if (approved !== undefined && status?.certificate !== undefined) return approved + KEEP_MS.approved;
  return parseTime(metadata.creationTimestamp!) + KEEP_MS.pending;
}

type Sync = (request: CertificateSigningRequest) => ReturnType<Reconcile>;

function watchRequests(context: ControllerContext, name: string, sync: Sync): RunningController {
  const informer = context.informer(certificateSigningRequests);
  const reconciler = createReconciler({
    name,
    context,
    workers: 2,
    reconcile: async (key) => {
      const request = informer.get(key);
      if (request === undefined) return;
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

function has({ status }: CertificateSigningRequest, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type) === true;
}

function newCondition(
  type: string,
  reason: string,
  message: string,
  nowMs: number,
  status = 'True',
): CertificateSigningRequestCondition {
  const now = formatTime(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}
