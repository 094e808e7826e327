/** Watches that go on where they left off, and lists in chunks while others write: nothing is lost, nothing comes twice. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runner, startKubemu, temporaryFolder, watch, type Run, type RunningKubemu } from './harness.ts';
import { newestKubectl as kubectl } from './session.ts';

const PODS = '/api/v1/namespaces/default/pods';
/** Objects that make several chunks. */
const COUNT = 120;

interface Frame {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string; readonly resourceVersion: string } };
}

describe.skipIf(kubectl === undefined)('without loss or repetition', () => {
  const folder = temporaryFolder();
  const home = folder.path;
  let kubemu: RunningKubemu;
  let run: Run;

  const start = async (): Promise<void> => {
    const data = join(home, 'data');
    kubemu = await startKubemu(['--data-dir', data, '--nodes', '0', '--scheduler', 'off']);
    run = runner(kubectl!, kubemu.kubeconfig, home);
  };

  beforeAll(async () => {
    await start();
  });

  afterAll(async () => {
    await kubemu.stop();
    folder.remove();
  });

  const createPod = (name: string): Promise<unknown> => run(['run', name, '--image=nginx:1.25']);

  /** A watch from a version on, its events as `TYPE name`. */
  function watchFrom(version: string): {
    next(): Promise<string>;
    readonly version: () => string;
    stop(): void;
  } {
    const path = `${PODS}?watch=true&resourceVersion=${version}`;
    const lines = watch(kubectl!, kubemu.kubeconfig, home, ['get', '--raw', path]);
    let last = version;
    return {
      next: async () => {
        const { type, object } = JSON.parse(await lines.next()) as Frame;
        expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(Number(last));
        last = object.metadata.resourceVersion;
        return `${type} ${object.metadata.name}`;
      },
      version: () => last,
      stop: () => lines.stop(),
    };
  }

  it('a watch is resumed across a restart of the server', async () => {
    const list = JSON.parse((await run(['get', '--raw', PODS])).stdout) as {
      metadata: { resourceVersion: string };
    };
    const before = watchFrom(list.metadata.resourceVersion);
    await createPod('one');
    await createPod('two');
    expect([await before.next(), await before.next()]).toEqual(['ADDED one', 'ADDED two']);
    before.stop();
    await createPod('three');
    await kubemu.stop();
    await start();
    await run(['label', 'pod', 'one', 'seen=yes']);
    const after = watchFrom(before.version());
    expect([await after.next(), await after.next()]).toEqual(['ADDED three', 'MODIFIED one']);
    await createPod('four');
    expect(await after.next()).toBe('ADDED four');
    after.stop();
  });

  it('kubectl get --watch shows each pod once, and goes on with what comes', async () => {
    const shown = watch(kubectl!, kubemu.kubeconfig, home, ['get', 'pods', '--watch', '-o', 'name']);
    const names = [];
    for (let count = 0; count < 4; count++) names.push(await shown.next());
    expect(names.sort()).toEqual(['pod/four', 'pod/one', 'pod/three', 'pod/two']);
    await createPod('five');
    expect(await shown.next()).toBe('pod/five');
    shown.stop();
  });

  it('a list in chunks is one state, whatever is written meanwhile', async () => {
    const name = (index: number): string => `map-${String(index).padStart(3, '0')}`;
    const manifest = (names: readonly string[]): string =>
      names
        .map((each) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: each } }))
        .join('\n---\n');
    const base = Array.from({ length: COUNT }, (_, index) => name(index));
    await run(['create', '-f', '-'], { stdin: manifest(base) });
    // Between the others, from the back to the front: a list that took each chunk anew would miss some and have later ones.
    const written = base.map((each) => `${each}-extra`).reverse();
    const writing = { done: false };
    const writer = run(['create', '-f', '-'], { stdin: manifest(written) }).finally(
      () => (writing.done = true),
    );
    let lists = 0;
    while (!writing.done || lists < 3) {
      const { stdout } = await run(['get', 'configmaps', '--chunk-size=50', '-o', 'name']);
      const names = stdout
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [line.replace('configmap/', '')]));
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((each) => base.includes(each))).toEqual(base);
      const extras = new Set(names.filter((each) => each.endsWith('-extra')));
      // What was there at one moment is what had been written by then: a beginning of the sequence.
      expect(written.slice(0, extras.size).every((each) => extras.has(each))).toBe(true);
      lists++;
    }
    await writer;
    const { stdout } = await run(['get', 'configmaps', '--chunk-size=50', '-o', 'name']);
    expect(stdout.match(/-extra/g)).toHaveLength(COUNT);
  });
});
