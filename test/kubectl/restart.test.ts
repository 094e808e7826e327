/** A cluster on disk goes on where it stopped, however it was stopped. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newestKubectl, runner, startKubemu, temporaryFolder } from './harness.ts';

const kubectl = newestKubectl();

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
});
