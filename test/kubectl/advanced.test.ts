/** kubectl's "advanced" commands and looks into the cluster: apply, diff, patch, replace, wait, kustomize, events, raw. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, kubectls, openSession, type Session } from './session.ts';

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;
  const names = async (): Promise<string[]> =>
    (await kube.text('get', 'cm', '-l', 'set=a', '-o', 'name')).trim().split('\n');

  beforeAll(async () => {
    kube = await openSession(kubectl);
  });
  afterAll(() => kube.end());

  it('apply creates, changes and leaves alone', async () => {
    expect(await kube.feed(configMap('a', { x: '1', y: '1' }, { set: 'a' }), 'apply')).toBe(
      'configmap/a created\n',
    );
    expect(await kube.feed(configMap('a', { x: '1', y: '1' }, { set: 'a' }), 'apply')).toBe(
      'configmap/a unchanged\n',
    );
    expect(await kube.feed(configMap('a', { x: '2' }, { set: 'a' }), 'apply')).toBe(
      'configmap/a configured\n',
    );
    expect((await kube.json('get', 'cm', 'a')).data).toEqual({ x: '2' });
    expect(await kube.text('apply', 'view-last-applied', 'cm/a', '-o', 'json')).toContain('"x": "2"');
  });

  it('diff', async () => {
    const same = await kube.run(['diff', '-f', '-'], { stdin: configMap('a', { x: '2' }, { set: 'a' }) });
    expect(same.stdout).toBe('');
    const { stdout } = await kube.run(['diff', '-f', '-'], {
      stdin: configMap('a', { x: '3' }, { set: 'a' }),
      code: 1,
    });
    expect(stdout).toContain('-  x: "2"\n+  x: "3"\n');
    expect((await kube.json('get', 'cm', 'a')).data).toEqual({ x: '2' });
  });

  it('apply in a dry run on the server', async () => {
    const { stdout } = await kube.run(['apply', '--dry-run=server', '-f', '-'], {
      stdin: configMap('new', {}, { set: 'a' }),
    });
    expect(stdout).toBe('configmap/new created (server dry run)\n');
    expect(await names()).toEqual(['configmap/a']);
  });

  it('apply prunes what is no longer there', async () => {
    const { stdout } = await kube.run(
      ['apply', '--prune', '-l', 'set=a', '--prune-allowlist=core/v1/ConfigMap', '-f', '-'],
      { stdin: configMap('b', { x: '1' }, { set: 'a' }) },
    );
    expect(stdout).toBe('configmap/b created\nconfigmap/a pruned\n');
    expect(await names()).toEqual(['configmap/b']);
  });

  it('apply of a kustomization', async () => {
    const kustomization =
      'namePrefix: k-\nresources: [map.yaml]\nconfigMapGenerator:\n- name: gen\n  literals: [a=b]\n';
    kube.file('kustom/map.yaml', configMap('map', { a: 'b' }));
    const path = kube.file('kustom/kustomization.yaml', kustomization).replace('/kustomization.yaml', '');
    expect(await kube.text('apply', '-k', path)).toBe(
      'configmap/k-gen-4h2mbtbbt6 created\nconfigmap/k-map created\n',
    );
    expect((await kube.run(['diff', '-k', path])).stdout).toBe('');
    expect(await kube.text('delete', '-k', path)).toMatch(/^configmap "k-gen-4h2mbtbbt6" deleted/);
  });

  it('replace', async () => {
    expect(await kube.feed(configMap('b', { x: '9' }), 'replace')).toBe('configmap/b replaced\n');
    const before = (await kube.json('get', 'cm', 'b')).metadata.uid;
    const output = await kube.feed(configMap('b', { x: '8' }), 'replace', '--force');
    expect(output).toMatch(/^configmap "b" deleted.*\nconfigmap\/b replaced\n$/);
    expect((await kube.json('get', 'cm', 'b')).metadata.uid).not.toBe(before);
    await kube.run(['replace', '-f', '-'], { stdin: configMap('nobody', {}), code: 1 });
  });

  it('patch', async () => {
    expect(await kube.text('patch', 'cm', 'b', '-p', '{"data":{"y":"1"}}')).toBe('configmap/b patched\n');
    expect(await kube.text('patch', 'cm', 'b', '-p', '{"data":{"y":"1"}}')).toBe(
      'configmap/b patched (no change)\n',
    );
    expect(await kube.text('patch', 'cm', 'b', '--type=merge', '-p', '{"data":{"y":null}}')).toBe(
      'configmap/b patched\n',
    );
    expect(
      await kube.text('patch', 'cm', 'b', '--type=json', '-p', '[{"op":"add","path":"/data/z","value":"1"}]'),
    ).toBe('configmap/b patched\n');
    expect(
      await kube.failure(
        'patch',
        'cm',
        'b',
        '--type=json',
        '-p',
        '[{"op":"test","path":"/data/z","value":"2"}]',
      ),
    ).toBe('The request is invalid: the server rejected our request due to an error in our request\n');
    expect((await kube.json('get', 'cm', 'b')).data).toEqual({ x: '8', z: '1' });
  });

  it('wait for a condition, a value, the end', async () => {
    await kube.text('run', 'p', '--image=nginx');
    expect(await kube.text('wait', 'pod/p', '--for=condition=Ready', '--timeout=20s')).toBe(
      'pod/p condition met\n',
    );
    expect(await kube.text('wait', 'pod/p', '--for=jsonpath={.status.phase}=Running', '--timeout=20s')).toBe(
      'pod/p condition met\n',
    );
    const gone = kube.text('wait', 'pod/p', '--for=delete', '--timeout=30s');
    await kube.text('delete', 'pod', 'p', '--wait=false');
    expect(await gone).toBe('pod/p condition met\n');
    expect(await kube.failure('wait', 'cm/b', '--for=jsonpath={.data.x}=none', '--timeout=1s')).toContain(
      'timed out waiting for the condition',
    );
  });

  it('events', async () => {
    await kube.text('run', 'q', '--image=nginx');
    await kube.text('wait', 'pod/q', '--for=condition=Ready', '--timeout=20s');
    const lines = (await kube.text('events', '--for', 'pod/q', '--no-headers')).trim().split('\n');
    expect(lines.map((line) => line.split(/ +/)[2])).toEqual(
      expect.arrayContaining(['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started']),
    );
    expect(
      await kube.text(
        'get',
        'events',
        '--field-selector',
        'involvedObject.name=q,reason=Scheduled',
        '--no-headers',
      ),
    ).toMatch(/ Normal +Scheduled +pod\/q +Successfully assigned default\/q to /);
  });

  it('debug adds an ephemeral container', async () => {
    await kube.run(['debug', 'q', '--image=busybox', '-c', 'dbg', '--target=q']);
    const [added] = (await kube.json('get', 'pod', 'q')).spec.ephemeralContainers;
    expect(added).toMatchObject({ name: 'dbg', image: 'busybox', targetContainerName: 'q' });
  });

  it('raw paths', async () => {
    expect(await kube.text('get', '--raw', '/healthz')).toBe('ok');
    expect(await kube.text('get', '--raw', '/readyz?verbose')).toMatch(
      /^\[\+\]ping ok\n[\s\S]*readyz check passed\n$/,
    );
    expect(await kube.text('get', '--raw', '/metrics')).toMatch(
      /^apiserver_resource_objects\{group="",resource="namespaces"\} 4$/m,
    );
    expect(JSON.parse(await kube.text('get', '--raw', '/openid/v1/jwks'))).toMatchObject({
      keys: [{ kty: 'RSA' }],
    });
    expect(await kube.failure('get', '--raw', '/nope')).toBe(
      'Error from server (NotFound): the server could not find the requested resource\n',
    );
  });

  it('resources by version and group', async () => {
    expect(await kube.text('get', 'pods.v1.', '-o', 'name')).toBe('pod/q\n');
    expect(await kube.failure('get', 'nosuch')).toBe(
      'error: the server doesn\'t have a resource type "nosuch"\n',
    );
    expect(await kube.text('api-versions')).toMatch(/^resource\.k8s\.io\/v1$/m);
  });
});
