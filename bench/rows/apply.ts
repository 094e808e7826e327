/** Server-side apply of a Deployment that changes one field, against a PUT of the same change. */
import { openConnections, requestBytes, succeed, type Connection } from '../harness/connection.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn } from '../harness/measure.ts';
import { createNamespace } from '../harness/pods.ts';
import { QUIET, startKubemu } from '../harness/process.ts';

const WRITES = 300;
const ROUNDS = 5;
const APPLY_TYPE = 'application/apply-patch+yaml';

/** Some 30 fields that somebody writes by hand. */
function deploymentOf(name: string, replicas: number): string {
  const labels = { app: name, tier: 'front' };
  const container = {
    name: 'main',
    image: 'nginx:1.25',
    args: ['--verbose'],
    env: Array.from({ length: 6 }, (_, index) => ({ name: `KEY_${index}`, value: `value-${index}` })),
    ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 5 },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [container], volumes: [{ name: 'data', emptyDir: {} }] },
      },
    },
  });
}

export const applyRow: Row = {
  name: 'apply',
  run: async (): Promise<Finding[]> => {
    const kubemu = await startKubemu([...QUIET, '--memory']);
    const [connection] = (await openConnections(kubemu.endpoint, 1)) as [Connection];
    await createNamespace(connection);
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await succeed(connection, requestBytes('POST', path, deploymentOf('put', 0)));
    let replicas = 0;
    const timed = (request: (replicas: number) => Buffer) => async (): Promise<number> => {
      let total = 0;
      for (let write = 0; write < WRITES; write++)
        total += (await succeed(connection, request(++replicas))).totalMs;
      return total / WRITES;
    };
    const measurements = {
      update: timed((count) => requestBytes('PUT', `${path}/put`, deploymentOf('put', count))),
      apply: timed((count) =>
        requestBytes('PATCH', `${path}/applied?fieldManager=bench`, deploymentOf('applied', count), {
          contentType: APPLY_TYPE,
        }),
      ),
    };
    await inTurn(1, measurements);
    const times = await inTurn(ROUNDS, measurements);
    connection.close();
    await kubemu.stop();
    return [
      {
        row: 'apply',
        what: 'server-side apply of a Deployment with 30 fields that changes one, against a PUT of the same',
        value: times.apply / times.update,
        unit: 'times',
        target: 6,
        better: 'lower',
        details: { applyMs: times.apply, updateMs: times.update },
      },
    ];
  },
};
