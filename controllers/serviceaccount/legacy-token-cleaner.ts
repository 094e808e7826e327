/**
 * Invalidates and then removes tokens in secrets that service accounts list and nobody has used for a year. Mirrors
 * pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.
 */
import { dateOf, parseTime, type Timer } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { configMaps, pods, secrets, serviceAccounts, type Secret } from '../../openapi/generated/core-v1.ts';
import { secretNames } from './secret-names.ts';
import type { ControllerContext, ControllerDefinition } from '../runtime/controller.ts';

const DAY_MS = 24 * 3600 * 1000;
const PERIOD_MS = DAY_MS;
const KEEP_MS = 365 * DAY_MS;
const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

export const legacyTokenCleaner: ControllerDefinition = {
  name: 'legacy-serviceaccount-token-cleaner-controller',
  aliases: ['legacy-service-account-token-cleaner'],
  description: {
    does: 'Looks once a day at token secrets that their service account lists: those unused for 365 days and mounted by no pod are marked invalid, and deleted 365 days later.',
    watches: ['pods', 'secrets', 'serviceaccounts'],
    writes: ['secrets'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('legacy-service-account-token-cleaner') };
    const clean = cleaner(context);
    const name = 'legacy token cleaner';
    let timer: Timer | undefined;
    const round = (): void => {
      context.tasks.run(name, clean, (error) => context.logger.warn('legacy tokens not cleaned', { error }));
      timer = context.clock.schedule(PERIOD_MS, round, { name, recurring: true });
    };
    return { start: round, stop: () => timer?.cancel() };
  },
};

function cleaner(context: ControllerContext): () => Promise<void> {
  const { client, clock, logger } = context;
  const isUnused = usageOf(context);
  return async () => {
    const now = clock.now();
    const since = await trackedSince(context);
    if (since === undefined || now < since + DAY_MS + KEEP_MS) return;
    const limit = dateOf(now - KEEP_MS);
    for (const secret of context.informer(secrets).list()) {
      if (!isUnused(secret, now - KEEP_MS)) continue;
      const invalidSince = secret.metadata.labels?.[INVALID_SINCE];
      const target = { namespace: secret.metadata.namespace, name: secret.metadata.name! };
      const { uid, resourceVersion } = secret.metadata;
      const write =
        invalidSince === undefined || !isDate(invalidSince)
          ? client.patch(secrets, target, {
              type: 'merge',
              body: { metadata: { uid, labels: { [INVALID_SINCE]: dateOf(now) } } },
            })
          : invalidSince < limit
            ? client.delete(secrets, target, { preconditions: { resourceVersion } })
            : undefined;
      await write?.catch((error: unknown) => {
        // The next round tries again; others are not kept waiting.
        if (!isConflict(error) && !isNotFound(error))
          logger.warn('legacy token not cleaned', { target, error });
      });
    }
  };
}

/** Since when the API server notes the use of such tokens, or undefined while it does not. */
async function trackedSince({ client }: ControllerContext): Promise<number | undefined> {
  try {
    const since = (await client.get(configMaps, TRACKING)).data?.['since'] ?? '';
    return isDate(since) ? parseTime(`${since}T00:00:00Z`) : undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** Tells whether a secret is such a token that was neither made nor used since `limitMs`, and is in no pod. */
function usageOf(context: ControllerContext): (secret: Secret, limitMs: number) => boolean {
  const accounts = context.informer(serviceAccounts);
  const podInformer = context.informer(pods);
  context.informer(secrets);
  const isMounted = ({ metadata: { namespace, name } }: Secret): boolean =>
    podInformer.list(namespace).some((pod) => secretNames(pod).includes(name!));
  return (secret, limitMs) => {
    const { metadata, type } = secret;
    const { name, namespace, annotations = {}, labels = {} } = metadata;
    const isOld = parseTime(metadata.creationTimestamp!) < limitMs;
    if (type !== 'kubernetes.io/service-account-token' || !isOld || metadata.deletionTimestamp !== undefined)
      return false;
    const lastUsed = labels[LAST_USED];
    if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= dateOf(limitMs))) return false;
    const account = accounts.get(`${namespace}/${annotations[ACCOUNT_NAME] ?? ''}`);
    const uid = annotations[ACCOUNT_UID] ?? '';
    if (account === undefined || (uid !== '' && uid !== account.metadata.uid)) return false;
    const isListed = account.secrets?.some((reference) => reference.name === name) ?? false;
    return isListed && !isMounted(secret);
  };
}

function isDate(text: string): boolean {
  const time = parseTime(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && dateOf(time) === text;
}
