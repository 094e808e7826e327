/** The commands of daily use: to create, print, change and watch objects, and what they say of bad ones. */
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Output, RunOptions } from './harness.ts';
import { kubectls, openSession, type Json, type Session } from './session.ts';

/** Its selector does not choose its pods. */
const MISMATCHED = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: webapp1
  namespace: demo
spec:
  selector:
    matchLabels:
      app: webapp1
  template:
    metadata:
      labels:
        app: other
    spec:
      containers:
      - name: webapp1
        image: nginx:1.8
`;

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;
  const run = (args: readonly string[], options?: RunOptions): Promise<Output> => kube.run(args, options);
  const json = (...args: string[]): Promise<Json> => kube.json(...args);
  const text = (...args: string[]): Promise<string> => kube.text(...args);

  beforeAll(async () => {
    kube = await openSession(kubectl);
    await text('create', 'namespace', 'demo');
  });
  afterAll(() => kube.end());

  it('creates with the short commands', async () => {
    expect(await text('-n', 'demo', 'run', 'solo', '--image=nginx:1.25', '--labels=app=solo')).toBe(
      'pod/solo created\n',
    );
    expect(
      await text('-n', 'demo', 'create', 'deployment', 'made', '--image=nginx:1.25', '--replicas=2'),
    ).toBe('deployment.apps/made created\n');
    expect(await text('-n', 'demo', 'create', 'configmap', 'settings', '--from-literal=a=1')).toBe(
      'configmap/settings created\n',
    );
    expect(await text('-n', 'demo', 'create', 'secret', 'generic', 'keys', '--from-literal=k=v')).toBe(
      'secret/keys created\n',
    );
    expect(await text('-n', 'demo', 'create', 'job', 'once', '--image=busybox:1.36', '--', 'true')).toBe(
      'job.batch/once created\n',
    );
    await run(['-n', 'demo', 'wait', 'deployment/made', '--for=condition=Available', '--timeout=30s']);
    expect(await text('-n', 'demo', 'expose', 'deployment', 'made', '--port=8080', '--target-port=80')).toBe(
      'service/made exposed\n',
    );
    expect(await text('-n', 'demo', 'get', 'cm', 'settings', '-o', 'jsonpath={.data.a}')).toBe('1');
    expect(await text('-n', 'demo', 'get', 'secret', 'keys', '-o', 'jsonpath={.data.k}')).toBe('dg==');
    expect(await text('-n', 'demo', 'create', 'configmap', 'dry', '--dry-run=server', '-o', 'name')).toBe(
      'configmap/dry\n',
    );
    expect((await run(['-n', 'demo', 'get', 'configmap', 'dry'], { code: 1 })).stderr).toBe(
      'Error from server (NotFound): configmaps "dry" not found\n',
    );
    expect((await run(['-n', 'demo', 'create', 'configmap', 'settings'], { code: 1 })).stderr).toContain(
      'error: failed to create configmap: configmaps "settings" already exists',
    );
  });

  it('prints in every format', async () => {
    const configMap = ['-n', 'demo', 'get', 'cm', 'settings'];
    expect(await text(...configMap, '-o', 'yaml')).toMatch(
      /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\nmetadata:\n/,
    );
    expect((await json(...configMap)).data).toEqual({ a: '1' });
    expect(await text(...configMap, '-o', 'name')).toBe('configmap/settings\n');
    expect(await text(...configMap, '-o', 'custom-columns=N:.metadata.name,A:.data.a')).toMatch(
      /^N +A\nsettings +1\n$/,
    );
    expect(await text('-n', 'demo', 'get', 'svc', '-o', 'wide')).toMatch(
      /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE +SELECTOR$/m,
    );
    expect(await text('get', 'pods', '-A', '--field-selector', 'metadata.name=solo')).toMatch(
      /^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE\ndemo +solo /,
    );
    expect(await text('-n', 'demo', 'get', 'all', '-l', 'app=made')).toContain('deployment.apps/made');
    expect(
      (await run(['-n', 'demo', 'get', 'pods', '--field-selector', 'spec.nonsense=1'], { code: 1 })).stderr,
    ).toContain('field label not supported: spec.nonsense');
  });

  it('changes objects in every way', async () => {
    const solo = ['-n', 'demo'];
    expect(await text(...solo, 'label', 'pod', 'solo', 'tier=web')).toBe('pod/solo labeled\n');
    expect(await text(...solo, 'annotate', 'pod', 'solo', 'note=hi')).toMatch(/^pod\/solo annotated?\n$/);
    await run([...solo, 'patch', 'cm', 'settings', '-p', '{"data":{"b":"2"}}']);
    await run([...solo, 'patch', 'cm', 'settings', '--type=merge', '-p', '{"data":{"a":null,"c":"3"}}']);
    await run([
      ...solo,
      'patch',
      'cm',
      'settings',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/data/b","value":"4"}]',
    ]);
    expect((await json(...solo, 'get', 'cm', 'settings')).data).toEqual({ b: '4', c: '3' });
    expect(await text(...solo, 'patch', 'cm', 'settings', '-p', '{"data":{"b":"4"}}')).toContain(
      '(no change)',
    );
    const editor = kube.file('editor.sh', `#!/bin/sh\nsed -i 's/c: "3"/c: "5"/' "$1"\n`);
    chmodSync(editor, 0o755);
    expect((await run([...solo, 'edit', 'cm', 'settings'], { env: { KUBE_EDITOR: editor } })).stdout).toBe(
      'configmap/settings edited\n',
    );
    expect((await json(...solo, 'get', 'cm', 'settings')).data.c).toBe('5');
    const manifest =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: diffed\n  namespace: demo\ndata:\n  x: "1"\n';
    await run(['apply', '-f', '-'], { stdin: manifest });
    expect((await run(['diff', '-f', '-'], { stdin: manifest })).stdout).toBe('');
    const changed = await run(['diff', '-f', '-'], { stdin: manifest.replace('"1"', '"2"'), code: 1 });
    expect(changed.stdout).toMatch(/^- {2}x: "1"$/m);
    expect(changed.stdout).toMatch(/^\+ {2}x: "2"$/m);
    expect(await text('explain', 'deployment.spec.strategy', '--recursive')).toMatch(
      /rollingUpdate\s+<\S+>\n\s+maxSurge\s+<\S+>/,
    );
    expect(await text('explain', 'pod.spec.containers')).toMatch(/DESCRIPTION:\n\s+\S+/);
  });

  it('refuses bad objects with the reasons of the real server', async () => {
    const bad = await run(['apply', '-f', '-'], {
      stdin: MISMATCHED,
      code: 1,
    });
    expect(bad.stderr).toContain(
      'The Deployment "webapp1" is invalid: spec.template.metadata.labels: Invalid value: {"app":"other"}: `selector` does not match template `labels`',
    );
    const unknown = await run(['create', '--validate=strict', '-f', '-'], {
      stdin: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: strict\n  namespace: demo\nbogus: 1\n',
      code: 1,
    });
    expect(unknown.stderr).toContain('unknown field "bogus"');
  });

  it('streams changes', async () => {
    const watching = kube.watch(
      '-n',
      'demo',
      'get',
      'cm',
      '-w',
      '--output-watch-events',
      '--field-selector',
      'metadata.name=streamed',
      '--no-headers',
    );
    await run(['-n', 'demo', 'create', 'cm', 'streamed']);
    expect(await watching.next()).toMatch(/^ADDED +streamed +0 /);
    await run(['-n', 'demo', 'patch', 'cm', 'streamed', '-p', '{"data":{"a":"1"}}']);
    expect(await watching.next()).toMatch(/^MODIFIED +streamed +1 /);
    await run(['-n', 'demo', 'delete', 'cm', 'streamed']);
    expect(await watching.next()).toMatch(/^DELETED +streamed +1 /);
    watching.stop();
  });
});
