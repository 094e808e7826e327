/** A cluster on disk goes on where it stopped, however it was stopped. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Run, runner, startKubemu, temporaryFolder } from './harness.ts';
import { newestKubectl as kubectl } from './session.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** Makes config maps in one call. */
async function createAll(run: Run, names: readonly string[]): Promise<void> {
  const items = names.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
  const list = { apiVersion: 'v1', kind: 'List', items };
  await run(['create', '-f', '-'], { stdin: JSON.stringify(list) });
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, '0')}`);

/** What a watch from a revision sees until nothing comes any more: `TYPE name` and the last revision. */
async function watchFrom(run: Run, revision: string): Promise<{ events: string[]; revision: string }> {
  const query = `watch=1&timeoutSeconds=1&resourceVersion=${revision}`;
  const { stdout } = await run(['get', '--raw', `${CONFIG_MAPS}?${query}`]);
  const frames = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Frame);
  return {
    events: frames.map(({ type, object }) => `${type} ${object.metadata.name}`),
    revision: frames.at(-1)?.object.metadata.resourceVersion ?? revision,
  };
}

interface Frame {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string; readonly resourceVersion: string } };
}

describe.skipIf(kubectl === undefined)('a data directory', () => {
  const home = temporaryFolder();
  const start = ['--data-dir', join(home.path, 'data')];

  afterAll(() => home.remove());

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'keeps objects, UIDs and resourceVersions over %s',
    async (signal) => {
      const name = signal.toLowerCase();
      const columns = 'custom-columns=N:.metadata.name,U:.metadata.uid,R:.metadata.resourceVersion';
      const first = await startKubemu(start);
      const before = runner(kubectl!, first.kubeconfig, home.path);
      await before(['create', 'deployment', name, '--image=nginx:1.25', '--replicas=2']);
      await before(['rollout', 'status', `deployment/${name}`, '--timeout=30s']);
      const list = ['get', 'deployments,replicasets,pods,services,namespaces', '-A', '-o', columns];
      const { stdout } = await before(list);
      await expect(startKubemu(start)).rejects.toThrow(/in use by a running kubemu/);
      expect(await first.stop(signal)).toBe(signal === 'SIGTERM' ? 0 : null);

      const second = await startKubemu(start);
      const after = runner(kubectl!, second.kubeconfig, home.path);
      expect((await after(list)).stdout).toBe(stdout);
      await after(['scale', `deployment/${name}`, '--replicas=3']);
      await after(['rollout', 'status', `deployment/${name}`, '--timeout=30s']);
      expect(
        (await after(['get', 'pods', '-l', `app=${name}`, '-o', 'name'])).stdout.trim().split('\n'),
      ).toHaveLength(3);
      expect(await second.stop()).toBe(0);
      expect([first.errors(), second.errors()]).toEqual(['', '']);
    },
  );

  it('lets a watch go on over a restart that loses and repeats nothing', async () => {
    const first = await startKubemu(start);
    const before = runner(kubectl!, first.kubeconfig, home.path);
    await createAll(before, names('old', 3));
    const list = JSON.parse((await before(['get', '--raw', CONFIG_MAPS])).stdout) as Frame['object'];
    await createAll(before, names('unseen', 20));
    await before(['delete', 'configmap', 'old-001', '--wait=false']);
    await first.stop('SIGKILL');

    const second = await startKubemu(start);
    const after = runner(kubectl!, second.kubeconfig, home.path);
    const seen = await watchFrom(after, list.metadata.resourceVersion);
    expect(seen.events).toEqual([...names('unseen', 20).map((name) => `ADDED ${name}`), 'DELETED old-001']);
    await createAll(after, names('late', 2));
    expect((await watchFrom(after, seen.revision)).events).toEqual(['ADDED late-000', 'ADDED late-001']);
    expect(await second.stop()).toBe(0);
  });

  it('is listed in chunks during writes, each object once', async () => {
    const server = await startKubemu(start);
    const run = runner(kubectl!, server.kubeconfig, home.path);
    await createAll(run, names('chunk', 180));
    const writing = (async () => {
      await createAll(run, names('chunk-more', 100));
      await run(['delete', 'configmaps', ...names('chunk-more', 10), '--wait=false']);
    })();
    let lists = 0;
    const list = async (): Promise<void> => {
      const { stdout } = await run(['get', 'configmaps', '--chunk-size=50', '-o', 'name']);
      const listed = stdout.trim().split('\n');
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed).toEqual(listed.toSorted());
      expect(listed).toEqual(expect.arrayContaining(names('chunk', 180).map((name) => `configmap/${name}`)));
      lists++;
    };
    for (let round = 0; round < 4; round++) await list();
    await writing;
    await list();
    expect(lists).toBe(5);
    expect(await server.stop()).toBe(0);
  });
});
