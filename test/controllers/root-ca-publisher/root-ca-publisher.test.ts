import { afterEach, beforeEach, expect, it } from 'vitest';
import { rootCAPublisher } from '../../../controllers/root-ca-publisher/root-ca-publisher.ts';
import { configMaps, namespaces, type ConfigMap } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([rootCAPublisher], 'test', { caCertificate: 'authority' });
});
afterEach(() => harness.stop());

const published = (): Promise<ConfigMap> => harness.get(configMaps, NAME);

it('a namespace gets the certificate, with a description', async () => {
  const { data, metadata } = await published();
  expect(data).toEqual({ 'ca.crt': 'authority' });
  expect(metadata.annotations?.[DESCRIPTION]).toMatch(/./);
});

it.each<[string, (map: ConfigMap) => void]>([
  ['data that was changed', (map) => (map.data = { 'ca.crt': 'other' })],
  ['data that was added', (map) => (map.data = { ...map.data, more: 'data' })],
  ['data that was taken away', (map) => delete map.data],
  ['a description that was taken away', (map) => delete map.metadata.annotations],
])('%s is mended', async (_, change) => {
  const before = await published();
  await harness.change(configMaps, NAME, change);
  await harness.settle();
  const { data, metadata } = await published();
  expect({ data, annotations: metadata.annotations }).toEqual({
    data: before.data,
    annotations: before.metadata.annotations,
  });
});

it('another description stays', async () => {
  await harness.change(configMaps, NAME, ({ metadata }) => {
    metadata.annotations = { [DESCRIPTION]: 'mine', more: 'too' };
  });
  await harness.settle();
  expect((await published()).metadata.annotations).toEqual({ [DESCRIPTION]: 'mine', more: 'too' });
});

it('it comes back when it is deleted', async () => {
  const { metadata } = await published();
  await harness.client.delete(configMaps, { namespace: NAMESPACE, name: NAME });
  await harness.settle();
  expect((await published()).metadata.uid).not.toBe(metadata.uid);
});

it('it is mended in a namespace that ends, too', async () => {
  await harness.client.create(namespaces, { metadata: { name: 'ending' }, spec: {} });
  await harness.settle();
  await harness.client.delete(namespaces, { name: 'ending' });
  const target = { namespace: 'ending', name: NAME };
  const map = await harness.client.get(configMaps, target);
  await harness.client.update(configMaps, { ...map, data: { 'ca.crt': 'other' } });
  await harness.settle();
  expect((await harness.client.get(configMaps, target)).data).toEqual({ 'ca.crt': 'authority' });
});
