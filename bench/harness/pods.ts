/** Pods to send. */
import { requestBytes, succeed, type Connection } from './connection.ts';
import { until } from './measure.ts';

const NAMESPACE = 'bench';
export const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** One in a hundred carries `slice=rare`. */
export const RARE_SELECTOR = 'labelSelector=slice%3Drare';
const RARE_EVERY = 100;

/** What is sent and what is stored are about this long. */
const POD_BYTES = 2000;

const labelsOf = (index: number): Record<string, string> => ({
  app: `app-${index % 50}`,
  'pod-template-hash': '5d4f8c7b9d',
  slice: index % RARE_EVERY === 0 ? 'rare' : 'common',
});

/** JSON filled up to `bytes` by an annotation. */
function filledUp(pod: { metadata: { annotations: Record<string, string> } }, bytes: number): string {
  const missing = Math.max(0, bytes - JSON.stringify(pod).length);
  pod.metadata.annotations['example.com/note'] = 'lorem ipsum '.repeat(missing / 12 + 1).slice(0, missing);
  return JSON.stringify(pod);
}

/** 2 KB as a client sends them: a pod with environment, ports and resources. */
export function sentPod(name: string, index: number): string {
  const container = {
    name: 'main',
    image: 'registry.example.com/team/app:1.2.3',
    args: ['--port=8080', '--verbose'],
    ports: [{ name: 'http', containerPort: 8080 }],
    env: [
      { name: 'LOG_LEVEL', value: 'info' },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  };
  const metadata = { name, labels: labelsOf(index), annotations: { 'example.com/note': '' } };
  return filledUp(
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } } as never,
    POD_BYTES,
  );
}

/** What the server adds to the pod below: identity, defaults, the token volume, status, field managers. */
const ADDED_BYTES = 1500;

/** A pod that makes about 2 KB once it is stored. */
export function storedPod(name: string, index: number): string {
  const metadata = { name, labels: labelsOf(index), annotations: { 'example.com/note': '' } };
  const spec = { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'app:1' }] };
  return filledUp({ apiVersion: 'v1', kind: 'Pod', metadata, spec } as never, POD_BYTES - ADDED_BYTES);
}

/** Makes a namespace in which pods are admitted: they need its service account. */
export async function createNamespace(connection: Connection, name = NAMESPACE): Promise<void> {
  const body = JSON.stringify({ metadata: { name } });
  await succeed(connection, requestBytes('POST', '/api/v1/namespaces', body));
  const read = requestBytes('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`);
  await until('the service account', async () => (await connection.request(read)).status === 200);
}

export const createPod = (body: string): Buffer => requestBytes('POST', PODS_PATH, body);
