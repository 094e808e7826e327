/** Fills the secrets that hold tokens of service accounts, and removes those whose account is gone. Mirrors tokens_controller.go. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  secrets,
  serviceAccounts,
  type Secret,
  type ServiceAccount,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { together } from '../runtime/together.ts';

const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const NAME_ANNOTATION = 'kubernetes.io/service-account.name';
const UID_ANNOTATION = 'kubernetes.io/service-account.uid';
const ACCOUNT_INDEX = 'service account';

export const serviceAccountTokenController: ControllerDefinition = {
  name: 'serviceaccount-token-controller',
  aliases: ['serviceaccount-token'],
  description: {
    does: `Fills secrets of type ${TOKEN_TYPE} with a token, the authority's certificate and the namespace, removes them with their account, and takes those that are gone out of their account's list.`,
    watches: ['secrets', 'serviceaccounts'],
    writes: ['secrets', 'serviceaccounts'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('tokens-controller') };
  const secretInformer = context.informer(secrets);
  const accounts = context.informer(serviceAccounts);
  secretInformer.addIndex(ACCOUNT_INDEX, (secret) => {
    const key = accountKey(secret);
    return key === undefined ? [] : [key];
  });
  const reconciler = createReconciler({
    name: 'serviceaccount-token',
    context,
    workers: 5,
    reconcile: async (key) => {
      const secret = secretInformer.get(key);
      const owner = secret === undefined ? undefined : accountKey(secret);
      if (secret === undefined || owner === undefined) return;
      try {
        await sync(context, secret, await accountOf(context, secret, accounts.get(owner)));
      } catch (error) {
        // Gone, or changed: its event brings it here again.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  });
  const enqueue = (secret: Secret): void => {
    if (accountKey(secret) !== undefined) reconciler.queue.add(keyOf(secret));
  };
  const references = createReconciler({
    name: 'serviceaccount-token-references',
    context,
    workers: 5,
    reconcile: (key) => removeReference(context, JSON.parse(key) as Reference),
  });
  const gone = (secret: Secret): void => {
    const owner = accountKey(secret);
    if (owner === undefined || accounts.get(owner) === undefined) return;
    const { namespace, name, annotations } = secret.metadata;
    const reference: Reference = {
      namespace: namespace!,
      secret: name!,
      account: annotations![NAME_ANNOTATION]!,
      uid: annotations![UID_ANNOTATION] ?? '',
    };
    references.queue.add(JSON.stringify(reference));
  };
  secretInformer.addHandler({ added: enqueue, updated: enqueue, deleted: gone });
  const accountChanged = (account: ServiceAccount): void => {
    for (const secret of secretInformer.byIndex(ACCOUNT_INDEX, keyOf(account))) enqueue(secret);
  };
  accounts.addHandler({ deleted: accountChanged });
  return together([reconciler, references]);
}

/** A token that is gone, and the account that may list it. */
interface Reference {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  /** Empty when the token did not say. */
  readonly uid: string;
}

function accountKey({ metadata, type }: Secret): string | undefined {
  const name = metadata.annotations?.[NAME_ANNOTATION] ?? '';
  return type === TOKEN_TYPE && name !== '' ? `${metadata.namespace}/${name}` : undefined;
}

/** The account of a token. The caches may be behind: before it is taken for missing, the API is asked. */
async function accountOf(
  { client }: ControllerContext,
  { metadata: { namespace, annotations = {} } }: Secret,
  cached: ServiceAccount | undefined,
): Promise<ServiceAccount | undefined> {
  const uid = annotations[UID_ANNOTATION] ?? '';
  const fits = ({ metadata }: ServiceAccount): boolean => uid === '' || uid === metadata.uid;
  if (cached !== undefined && fits(cached)) return cached;
  try {
    const live = await client.get(serviceAccounts, { namespace, name: annotations[NAME_ANNOTATION]! });
    return fits(live) ? live : undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

async function sync(
  { client, options }: ControllerContext,
  secret: Secret,
  account: ServiceAccount | undefined,
): Promise<void> {
  const { namespace, name, uid } = secret.metadata;
  if (account === undefined) {
    await client.delete(secrets, { namespace, name: name! }, { preconditions: { uid } });
    return;
  }
  if (options.issueToken === undefined) return;
  const authority = Buffer.from(options.caCertificate).toString('base64');
  const { token = '', namespace: ownNamespace = '', ...data } = secret.data ?? {};
  if (token !== '' && ownNamespace !== '' && data['ca.crt'] === authority) return;
  const changed = structuredCopy(secret);
  changed.metadata.annotations = { ...changed.metadata.annotations, [UID_ANNOTATION]: account.metadata.uid! };
  changed.data = {
    ...data,
    'ca.crt': authority,
    namespace: ownNamespace === '' ? Buffer.from(namespace!).toString('base64') : ownNamespace,
    token: token === '' ? Buffer.from(await options.issueToken(account, secret)).toString('base64') : token,
  };
  await client.update(secrets, changed);
}

/** Takes a token that is gone out of its account's list. Mirrors tokens_controller.go removeSecretReference. */
async function removeReference(
  { client }: ControllerContext,
  { namespace, secret, account: name, uid }: Reference,
): Promise<void> {
  try {
    const account = await client.get(serviceAccounts, { namespace, name });
    const isListed = account.secrets?.some((reference) => reference.name === secret) === true;
    if (!isListed || (uid !== '' && uid !== account.metadata.uid)) return;
    const left = account.secrets!.filter((reference) => reference.name !== secret);
    await client.update(serviceAccounts, { ...account, secrets: left.length === 0 ? undefined : left });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
