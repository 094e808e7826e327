/** Informers of client libraries see every change once, through a scale from 0 to 50 and back. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppsV1Api, CoreV1Api, KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKubemu, type RunningKubemu } from '../kubectl/harness.ts';
import { SUITE_CACHE } from './suites.ts';

const REPLICAS = 50;
let server: RunningKubemu;
let config: KubeConfig;

beforeAll(async () => {
  server = await startKubemu(['--memory']);
  config = new KubeConfig();
  config.loadFromString(readFileSync(server.kubeconfig, 'utf8'));
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

async function createDeployment(name: string): Promise<void> {
  const labels = { app: name };
  await config.makeApiClient(AppsV1Api).createNamespacedDeployment({
    namespace: 'default',
    body: {
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'nginx:1.25' }] } },
      },
    },
  });
}

async function scale(name: string, replicas: number): Promise<void> {
  // Without a resourceVersion: the deployment controller writes at the same time.
  const body = { metadata: { name, namespace: 'default' }, spec: { replicas } };
  await config
    .makeApiClient(AppsV1Api)
    .replaceNamespacedDeploymentScale({ namespace: 'default', name, body });
}

/** What an informer said, in order: `add`, `update` and `delete` with pod name and resourceVersion. */
class Record {
  readonly seen: { type: string; name: string; version: number }[] = [];
  readonly #waiters: { check: () => boolean; resolve: () => void }[] = [];

  note(type: string, name: string, version: number): void {
    this.seen.push({ type, name, version });
    for (const waiter of this.#waiters) if (waiter.check()) waiter.resolve();
  }

  count(type: string): number {
    return new Set(this.seen.filter((event) => event.type === type).map(({ name }) => name)).size;
  }

  until(type: string, count: number): Promise<void> {
    const check = (): boolean => this.count(type) >= count;
    return check() ? Promise.resolve() : new Promise((resolve) => this.#waiters.push({ check, resolve }));
  }

  /** Each pod is added once, deleted once, and every event of it is newer than the one before. */
  verify(): void {
    expect(this.seen.filter(({ type }) => type === 'add')).toHaveLength(REPLICAS);
    expect(this.seen.filter(({ type }) => type === 'delete')).toHaveLength(REPLICAS);
    const last = new Map<string, number>();
    for (const { name, version } of this.seen) {
      expect(version).toBeGreaterThan(last.get(name) ?? 0);
      last.set(name, version);
    }
  }
}

describe('informers', () => {
  it('of @kubernetes/client-node', async () => {
    await createDeployment('node');
    const core = config.makeApiClient(CoreV1Api);
    const labelSelector = 'app=node';
    const informer = makeInformer(
      config,
      '/api/v1/namespaces/default/pods',
      () => core.listNamespacedPod({ namespace: 'default', labelSelector }),
      labelSelector,
    );
    const record = new Record();
    for (const type of ['add', 'update', 'delete'] as const) {
      informer.on(type, (pod: V1Pod) =>
        record.note(type, pod.metadata!.name!, Number(pod.metadata!.resourceVersion)),
      );
    }
    await informer.start();
    await scale('node', REPLICAS);
    await record.until('add', REPLICAS);
    await scale('node', 0);
    await record.until('delete', REPLICAS);
    await informer.stop();
    record.verify();
  });

  it('of client-go, in protobuf', async () => {
    await createDeployment('go');
    const binary = join(SUITE_CACHE, 'go', 'informer');
    const folder = join(import.meta.dirname, 'go');
    execFileSync('go', ['build', '-o', binary, './informer'], { cwd: folder, stdio: 'inherit' });
    const child = spawn(binary, ['app=go'], {
      env: { ...process.env, KUBECONFIG: server.kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const record = new Record();
    const synced = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [type = '', name = '', version = ''] = line.split(' ');
        if (type === 'synced') resolve();
        else record.note(type, name, Number(version));
      });
    });
    await synced;
    await scale('go', REPLICAS);
    await record.until('add', REPLICAS);
    await scale('go', 0);
    await record.until('delete', REPLICAS);
    child.kill();
    record.verify();
  });
});
