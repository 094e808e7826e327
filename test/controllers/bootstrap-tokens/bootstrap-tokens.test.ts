import { afterEach, beforeEach, expect, it } from 'vitest';
import { jwtVerify } from 'jose';
import {
  bootstrapSignerController,
  tokenCleanerController,
} from '../../../controllers/bootstrap-tokens/bootstrap-token-controllers.ts';
import { formatTime } from '../../../api/machinery/clock.ts';
import { configMaps, namespaces, secrets, type ConfigMap } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

const KUBECONFIG = 'apiVersion: v1\nkind: Config\n';
const HOUR_MS = 3_600_000;
let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([bootstrapSignerController, tokenCleanerController]);
  for (const name of ['kube-system', 'kube-public'])
    await harness.client.create(namespaces, { metadata: { name }, spec: {} });
});
afterEach(() => harness.stop());

async function token(
  id: string,
  data: Record<string, string> = {},
  name = `bootstrap-token-${id}`,
): Promise<void> {
  await harness.client.create(secrets, {
    metadata: { name, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-signing': 'true',
      ...data,
    },
  });
  await harness.settle();
}

async function clusterInfo(): Promise<ConfigMap['data']> {
  const map = await harness.client.get(configMaps, { namespace: 'kube-public', name: 'cluster-info' });
  return map.data;
}

async function publish(data: Record<string, string>): Promise<void> {
  await harness.client.create(configMaps, {
    metadata: { name: 'cluster-info', namespace: 'kube-public' },
    data,
  });
  await harness.settle();
}

it('signs cluster-info with each token that may, so that the holder of a token can check it', async () => {
  await token('abcdef');
  await token('nosign', { 'usage-bootstrap-signing': 'false' });
  await token('stale0', { expiration: formatTime(harness.clock.now() - 1000) });
  await publish({ kubeconfig: KUBECONFIG, 'jws-kubeconfig-gone00': 'x' });
  const data = await clusterInfo();
  expect(Object.keys(data!)).toEqual(['jws-kubeconfig-abcdef', 'kubeconfig']);
  const [header, middle, signature] = data!['jws-kubeconfig-abcdef']!.split('.');
  expect(middle).toBe('');
  expect(Buffer.from(header!, 'base64url').toString()).toBe('{"alg":"HS256","kid":"abcdef"}');
  // The payload is no JSON, so that a verifier of tokens gets as far as looking at it.
  const whole = [header, Buffer.from(KUBECONFIG).toString('base64url'), signature].join('.');
  await expect(jwtVerify(whole, Buffer.from('0123456789abcdef'))).rejects.toThrow('JWT Claims Set must be');
  await expect(jwtVerify(whole, Buffer.from('0123456789abcdeX'))).rejects.toThrow('signature verification');
});

it('follows the kubeconfig and the tokens, and leaves a map without kubeconfig alone', async () => {
  await publish({ note: 'x' });
  await token('abcdef');
  expect(await clusterInfo()).toEqual({ note: 'x' });
  const write = async (kubeconfig: string): Promise<string> => {
    const target = { namespace: 'kube-public', name: 'cluster-info' };
    await harness.client.patch(configMaps, target, { type: 'merge', body: { data: { kubeconfig } } });
    await harness.settle();
    return (await clusterInfo())!['jws-kubeconfig-abcdef']!;
  };
  expect(await write('a')).not.toBe(await write('b'));
  await harness.client.delete(secrets, { namespace: 'kube-system', name: 'bootstrap-token-abcdef' });
  await harness.settle();
  expect(await clusterInfo()).toEqual({ kubeconfig: 'b', note: 'x' });
});

it('deletes tokens when they are over, and keeps those without an end', async () => {
  await token('abcdef', { expiration: formatTime(harness.clock.now() + HOUR_MS) });
  await token('forevr');
  const names = async (): Promise<(string | undefined)[]> =>
    (await harness.client.list(secrets)).items.map(({ metadata }) => metadata.name);
  await harness.advance(HOUR_MS - 1000);
  expect(await names()).toEqual(['bootstrap-token-abcdef', 'bootstrap-token-forevr']);
  await harness.restart();
  await harness.advance(1000);
  expect(await names()).toEqual(['bootstrap-token-forevr']);
});
