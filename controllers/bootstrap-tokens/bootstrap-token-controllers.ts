/** Signs cluster-info with the tokens of joining machines, and removes tokens that are over. Mirrors pkg/controller/bootstrap. */
import { createHmac } from 'node:crypto';
import { structuredCopy } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf, parseKey } from '../../api/machinery/object-meta.ts';
import { configMaps, secrets, type Secret } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { isBootstrapToken, signingToken, timeLeft, TOKEN_NAMESPACE } from './bootstrap-token.ts';

const CLUSTER_INFO = 'kube-public/cluster-info';
const SIGNATURE_PREFIX = 'jws-kubeconfig-';

export const bootstrapSignerController: ControllerDefinition = {
  name: 'bootstrap-signer-controller',
  aliases: ['bootstrapsigner'],
  disabledByDefault: true,
  description: {
    does: 'Keeps signatures of the kubeconfig in the ConfigMap kube-public/cluster-info, one for each bootstrap token that may sign.',
    watches: ['configmaps', 'secrets'],
    writes: ['configmaps'],
  },
  setup: setupSigner,
};

function setupSigner(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('bootstrap-signer') };
  const maps = context.informer(configMaps);
  const tokens = context.informer(secrets);
  const reconciler = createReconciler({
    name: 'bootstrap-signer',
    context,
    workers: 1,
    reconcile: async (key) => {
      const map = maps.get(key);
      const content = map?.data?.['kubeconfig'];
      if (map === undefined || content === undefined) return;
      const signed = structuredCopy(map);
      const unsigned = Object.entries(map.data!).filter(([name]) => !name.startsWith(SIGNATURE_PREFIX));
      signed.data = Object.fromEntries(unsigned);
      for (const secret of tokens.list(TOKEN_NAMESPACE)) {
        const token = isBootstrapToken(secret) ? signingToken(secret, context.clock.now()) : undefined;
        if (token !== undefined)
          signed.data[`${SIGNATURE_PREFIX}${token.id}`] = detachedSignature(content, token);
      }
      const names = Object.keys(signed.data).sort();
      signed.data = Object.fromEntries(names.map((name) => [name, signed.data![name]!]));
      if (equalJSON(map.data, signed.data)) return;
      await context.client.update(configMaps, signed).catch((error: unknown) => {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      });
    },
  });
  const enqueue = (): void => reconciler.queue.add(CLUSTER_INFO);
  const mapChanged = (map: Parameters<typeof keyOf>[0]): void => {
    if (keyOf(map) === CLUSTER_INFO) enqueue();
  };
  const tokenChanged = (secret: Secret): void => {
    if (isBootstrapToken(secret)) enqueue();
  };
  maps.addHandler({ added: mapChanged, updated: mapChanged });
  tokens.addHandler({ added: tokenChanged, updated: tokenChanged, deleted: tokenChanged });
  return reconciler;
}

/** A JSON web signature by HMAC with SHA-256, without the content in its middle (RFC 7515, appendix F). */
function detachedSignature(content: string, { id, secret }: { id: string; secret: string }): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const payload = Buffer.from(content).toString('base64url');
  const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  return `${header}..${signature}`;
}

export const tokenCleanerController: ControllerDefinition = {
  name: 'token-cleaner-controller',
  aliases: ['tokencleaner'],
  disabledByDefault: true,
  description: {
    does: 'Deletes bootstrap tokens that are over.',
    watches: ['secrets'],
    writes: ['secrets'],
  },
  setup: setupCleaner,
};

function setupCleaner(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('token-cleaner') };
  const tokens = context.informer(secrets);
  const reconciler = createReconciler({
    name: 'token-cleaner',
    context,
    workers: 1,
    reconcile: async (key) => {
      const secret = tokens.get(key);
      if (secret === undefined || !isBootstrapToken(secret)) return;
      const left = timeLeft(secret, context.clock.now());
      if (left === Infinity) return;
      if (left > 0) return { requeueAfterMs: left };
      const preconditions = { uid: secret.metadata.uid };
      await context.client.delete(secrets, parseKey(key), { preconditions }).catch((error: unknown) => {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      });
    },
  });
  const enqueue = (secret: Secret): void => {
    if (isBootstrapToken(secret)) reconciler.queue.add(keyOf(secret));
  };
  tokens.addHandler({ added: enqueue, updated: enqueue });
  return reconciler;
}
