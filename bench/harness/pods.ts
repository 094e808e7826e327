/** Pods to send. */
import { requestBytes, succeed, type Connection } from './connection.ts';
import { until } from './measure.ts';

export const NAMESPACE = 'bench';
export const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** One in a hundred carries `slice=rare`. */
export const RARE_SELECTOR = 'labelSelector=slice%3Drare';
const RARE_EVERY = 100;

export interface PodOptions {
  readonly name: string;
  readonly index: number;
  /** About how long the JSON is to be. */
  readonly bytes: number;
}

/** JSON of a pod with one container, labels, environment and resources, filled up by an annotation. */
export function podBody({ name, index, bytes }: PodOptions): string {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: {
        app: `app-${index % 50}`,
        'pod-template-hash': '5d4f8c7b9d',
        slice: index % RARE_EVERY === 0 ? 'rare' : 'common',
      },
      annotations: { 'example.com/note': '' },
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.example.com/team/app:1.2.3',
          args: ['--port=8080', '--verbose'],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'LOG_LEVEL', value: 'info' },
            { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
        },
      ],
    },
  };
  const missing = Math.max(0, bytes - JSON.stringify(pod).length);
  pod.metadata.annotations['example.com/note'] = 'lorem ipsum '.repeat(missing / 12 + 1).slice(0, missing);
  return JSON.stringify(pod);
}

/** What the server adds to a pod: identity, defaults, the token volume, status. */
export const ADDED_BYTES = 1340;

/** Makes a namespace in which pods are admitted: they need its service account. */
export async function createNamespace(connection: Connection, name = NAMESPACE): Promise<void> {
  const body = JSON.stringify({ metadata: { name } });
  await succeed(connection, requestBytes('POST', '/api/v1/namespaces', body));
  const read = requestBytes('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`);
  await until('the service account', async () => (await connection.request(read)).status === 200);
}

export const createPod = (options: PodOptions): Buffer => requestBytes('POST', PODS_PATH, podBody(options));
