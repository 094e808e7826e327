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

const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const NAME_ANNOTATION = 'kubernetes.io/service-account.name';
const UID_ANNOTATION = 'kubernetes.io/service-account.uid';
const ACCOUNT_INDEX = 'service account';

export const serviceAccountTokenController: ControllerDefinition = {
  name: 'serviceaccount-token-controller',
  aliases: ['serviceaccount-token'],
  description: {
    does: `Fills secrets of type ${TOKEN_TYPE} with a token, the authority's certificate and the namespace, and removes them with their account.`,
    watches: ['secrets', 'serviceaccounts'],
    writes: ['secrets'],
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
        await sync(context, secret, accounts.get(owner));
      } catch (error) {
        // Gone, or changed: its event brings it here again.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  });
  const enqueue = (secret: Secret): void => {
    if (accountKey(secret) !== undefined) reconciler.queue.add(keyOf(secret));
  };
  secretInformer.addHandler({ added: enqueue, updated: enqueue });
  const accountChanged = (account: ServiceAccount): void => {
    for (const secret of secretInformer.byIndex(ACCOUNT_INDEX, keyOf(account))) enqueue(secret);
  };
  accounts.addHandler({ added: accountChanged, deleted: accountChanged });
  return reconciler;
}

function accountKey({ metadata, type }: Secret): string | undefined {
  const name = metadata.annotations?.[NAME_ANNOTATION] ?? '';
  return type === TOKEN_TYPE && name !== '' ? `${metadata.namespace}/${name}` : undefined;
}

async function sync(
  { client, options }: ControllerContext,
  secret: Secret,
  account: ServiceAccount | undefined,
): Promise<void> {
  const { namespace, name, uid } = secret.metadata;
  const known = secret.metadata.annotations?.[UID_ANNOTATION] ?? '';
  if (account === undefined || (known !== '' && known !== account.metadata.uid)) {
    await client.delete(secrets, { namespace, name: name! }, { preconditions: { uid } });
    return;
  }
  if (options.issueToken === undefined) return;
  const authority = Buffer.from(options.caCertificate).toString('base64');
  const data = secret.data ?? {};
  const isWhole =
    known !== '' &&
    data['token'] !== undefined &&
    data['ca.crt'] === authority &&
    data['namespace'] !== undefined;
  if (isWhole) return;
  const changed = structuredCopy(secret);
  const token = data['token'] ?? Buffer.from(await options.issueToken(account, secret)).toString('base64');
  changed.metadata.annotations = { ...changed.metadata.annotations, [UID_ANNOTATION]: account.metadata.uid! };
  changed.data = {
    ...data,
    'ca.crt': authority,
    namespace: data['namespace'] ?? Buffer.from(namespace!).toString('base64'),
    token,
  };
  await client.update(secrets, changed);
}
