/** kubectl's "settings" commands and those about oneself: label, annotate, set, auth. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectls, openSession, type Session } from './session.ts';

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;
  const container = async (): Promise<Record<string, unknown>> =>
    (await kube.json('get', 'deployment', 'web')).spec.template.spec.containers[0];

  beforeAll(async () => {
    kube = await openSession(kubectl, ['--nodes', '0']);
    await kube.text('create', 'deployment', 'web', '--image=nginx');
    await kube.text('create', 'configmap', 'c', '--from-literal=K=v');
  });
  afterAll(() => kube.end());

  it('label', async () => {
    expect(await kube.text('label', 'cm', 'c', 'a=b')).toBe('configmap/c labeled\n');
    expect(await kube.failure('label', 'cm', 'c', 'a=c')).toBe(
      "error: 'a' already has a value (b), and --overwrite is false\n",
    );
    expect(await kube.text('label', 'cm', 'c', 'a=c', '--overwrite')).toBe('configmap/c labeled\n');
    expect(await kube.text('label', 'cm', 'c', 'a-')).toBe('configmap/c unlabeled\n');
    const refused = await kube.failure('label', 'cm', 'c', 'a=not/good');
    expect(refused).toContain('a valid label must be an empty string or consist of alphanumeric characters');
  });

  it('annotate', async () => {
    // Older ones leave the ending off.
    expect(await kube.text('annotate', 'cm', 'c', 'a=b')).toMatch(/^configmap\/c annotated?\n$/);
    expect(await kube.failure('annotate', 'cm', 'c', 'a=c')).toContain('--overwrite is false');
    expect(await kube.text('annotate', 'cm', 'c', 'a=c', '--overwrite')).toMatch(
      /^configmap\/c annotated?\n$/,
    );
    expect((await kube.json('get', 'cm', 'c')).metadata.annotations).toEqual({ a: 'c' });
  });

  it('set env', async () => {
    expect(await kube.text('set', 'env', 'deployment/web', 'A=1', '--from=configmap/c')).toBe(
      'deployment.apps/web env updated\n',
    );
    expect((await container())['env']).toEqual([
      { name: 'A', value: '1' },
      { name: 'K', valueFrom: { configMapKeyRef: { key: 'K', name: 'c' } } },
    ]);
    await kube.text('set', 'env', 'deployment/web', 'A-');
    expect(await kube.text('set', 'env', 'deployment/web', '--list', '--resolve')).toContain('K=v');
  });

  it('set resources', async () => {
    expect(
      await kube.text(
        'set',
        'resources',
        'deployment/web',
        '--limits=cpu=200m,memory=512Mi',
        '--requests=cpu=100m',
      ),
    ).toBe('deployment.apps/web resource requirements updated\n');
    expect((await container())['resources']).toEqual({
      limits: { cpu: '200m', memory: '512Mi' },
      requests: { cpu: '100m' },
    });
  });

  it('set selector, serviceaccount and subject', async () => {
    await kube.text('create', 'service', 'clusterip', 's', '--tcp=80');
    expect(await kube.text('set', 'selector', 'service', 's', 'app=web')).toBe(
      'service/s selector updated\n',
    );
    expect(await kube.text('set', 'serviceaccount', 'deployment', 'web', 'robot')).toBe(
      'deployment.apps/web serviceaccount updated\n',
    );
    await kube.text('create', 'clusterrolebinding', 'b', '--clusterrole=view', '--user=a');
    expect(
      await kube.text(
        'set',
        'subject',
        'clusterrolebinding',
        'b',
        '--user=c',
        '--serviceaccount=default:robot',
      ),
    ).toBe('clusterrolebinding.rbac.authorization.k8s.io/b subjects updated\n');
    expect(
      (await kube.json('get', 'clusterrolebinding', 'b')).subjects.map(({ name }: { name: string }) => name),
    ).toEqual(['a', 'c', 'robot']);
  });

  it('auth can-i', async () => {
    expect(await kube.text('auth', 'can-i', 'create', 'pods')).toBe('yes\n');
    expect(await kube.text('auth', 'can-i', 'get', '/healthz')).toBe('yes\n');
    expect(await kube.text('auth', 'can-i', '--list', '--no-headers')).toMatch(
      /^\*\.\* +\[\] +\[\] +\[\*\]$/m,
    );
    const { stdout } = await kube.run(['auth', 'can-i', 'create', 'pods', '--as=jane'], { code: 1 });
    expect(stdout).toMatch(/^no\b/);
  });

  it('auth whoami', async () => {
    // Before 1.28 it asked for versions of the API that are no longer served.
    if (kube.minor < 28) return;
    expect(await kube.table('auth', 'whoami')).toEqual([
      ['ATTRIBUTE', 'VALUE'],
      ['Username', 'kubernetes-admin'],
      ['Groups', '[system:masters system:authenticated]'],
    ]);
    expect(await kube.table('auth', 'whoami', '--as=jane', '--as-group=devs')).toEqual([
      ['ATTRIBUTE', 'VALUE'],
      ['Username', 'jane'],
      ['Groups', '[devs system:authenticated]'],
    ]);
  });

  it('auth reconcile', async () => {
    const role = JSON.stringify({
      kind: 'Role',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'r', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    });
    expect(await kube.feed(role, 'auth', 'reconcile')).toContain(
      'role.rbac.authorization.k8s.io/r reconciled',
    );
  });
});
