/** Server-side apply and what kubectl makes of managedFields: conflicts, migration, diff, the last-applied annotation. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ManagedFieldsEntry } from '../../api/machinery/object-meta.ts';
import { kubectls, openSession, type Json, type Session } from './session.ts';

interface Wish {
  readonly name: string;
  readonly replicas?: number;
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const manifest = ({ name, replicas = 2, image = 'nginx:1.25', labels = {} }: Wish): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name, ...labels } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'nginx', image, ports: [{ containerPort: 80 }] }] },
      },
    },
  });

const HINT = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
`;

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;

  beforeAll(async () => {
    kube = await openSession(kubectl);
  });
  afterAll(() => kube.end());

  const entries = async (name: string): Promise<ManagedFieldsEntry[]> => {
    const object = await kube.json('get', 'deployment', name, '--show-managed-fields');
    return object.metadata.managedFields as ManagedFieldsEntry[];
  };
  /** Managers besides the controllers. */
  const managers = async (name: string): Promise<string[]> =>
    (await entries(name))
      .filter(({ manager }) => manager !== 'kube-controller-manager')
      .map(({ manager, operation, subresource }) =>
        [manager, operation, subresource].filter(Boolean).join(' '),
      );
  const apply = (wish: Wish, ...flags: string[]): Promise<string> =>
    kube.feed(manifest(wish), 'apply', '--server-side', ...flags);

  it('applies, twice to the same effect', async () => {
    expect(await apply({ name: 'web' })).toBe('deployment.apps/web serverside-applied\n');
    const [own] = await entries('web');
    expect(await apply({ name: 'web' })).toBe('deployment.apps/web serverside-applied\n');
    expect((await entries('web'))[0]).toEqual(own);
    expect(own).toMatchObject({
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"nginx"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': {
                    'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                  },
                },
              },
            },
          },
        },
      },
    });
  });

  it('shows managed fields when asked to, and says when the server would create', async () => {
    expect(await kube.text('get', 'deployment', 'web', '-o', 'yaml')).not.toContain('managedFields');
    expect(await kube.text('get', 'deployment', 'web', '-o', 'yaml', '--show-managed-fields')).toContain(
      '              k:{"name":"nginx"}:\n                .: {}\n                f:image: {}\n',
    );
    expect(await apply({ name: 'dry' }, '--dry-run=server')).toBe(
      'deployment.apps/dry serverside-applied (server dry run)\n',
    );
    expect(await kube.failure('get', 'deployment', 'dry')).toContain('(NotFound)');
  });

  it('tells conflicts, and takes the fields when forced', async () => {
    await apply({ name: 'taken', labels: { tier: 'a' } });
    const other = { name: 'taken', replicas: 5, labels: { tier: 'b' } };
    const refused = await kube.run(['apply', '--server-side', '--field-manager=other', '-f', '-'], {
      stdin: manifest(other),
      code: 1,
    });
    expect(refused.stderr).toContain(
      `error: Apply failed with 2 conflicts: conflicts with "kubectl":\n- .metadata.labels.tier\n- .spec.replicas\n${HINT}`,
    );
    expect(await apply(other, '--field-manager=other', '--force-conflicts')).toBe(
      'deployment.apps/taken serverside-applied\n',
    );
    const [first] = (await entries('taken')).filter(({ manager }) => manager === 'kubectl');
    expect(JSON.stringify(first)).not.toMatch(/f:tier|f:replicas/);
    expect(await apply({ name: 'taken', replicas: 5, labels: { tier: 'b' } })).toContain(
      'serverside-applied',
    );
  });

  it('drops what it applied once and does no longer', async () => {
    await apply({ name: 'less', labels: { extra: 'yes' } });
    await apply({ name: 'less' });
    expect((await kube.json('get', 'deployment', 'less')).metadata.labels).toEqual({ app: 'less' });
  });

  it('leaves replicas to whoever scales', async () => {
    await apply({ name: 'scaled' });
    await kube.text('scale', 'deployment', 'scaled', '--replicas=3');
    expect(await managers('scaled')).toEqual(['kubectl Apply', `${kubectl.name} Update scale`]);
    const refused = await kube.run(['apply', '--server-side', '-f', '-'], {
      stdin: manifest({ name: 'scaled' }),
      code: 1,
    });
    expect(refused.stderr).toContain(
      `Apply failed with 1 conflict: conflict with "${kubectl.name}" with subresource "scale" using apps/v1: .spec.replicas\n`,
    );
  });

  it('goes from client-side to server-side apply', async () => {
    expect(await kube.feed(manifest({ name: 'moved' }), 'apply')).toBe('deployment.apps/moved created\n');
    expect(await managers('moved')).toEqual(['kubectl-client-side-apply Update']);
    expect(await apply({ name: 'moved', image: 'nginx:1.26' })).toBe(
      'deployment.apps/moved serverside-applied\n',
    );
    const now = await managers('moved');
    expect(now).toContain('kubectl Apply');
    expect(now).not.toContain('kubectl-client-side-apply Update');
    const { metadata, spec }: Json = await kube.json('get', 'deployment', 'moved');
    expect(spec.template.spec.containers[0].image).toBe('nginx:1.26');
    expect(metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']).toContain('nginx:1.26');
  });

  it('shows, sets and edits the last applied configuration', async () => {
    await kube.feed(manifest({ name: 'last' }), 'apply');
    expect(await kube.text('apply', 'view-last-applied', 'deployment/last')).toContain('image: nginx:1.25\n');
    const path = kube.file('last.json', manifest({ name: 'last', image: 'nginx:1.30' }));
    expect(await kube.text('apply', 'set-last-applied', '-f', path)).toBe(
      'deployment.apps/last configured\n',
    );
    const edited = await kube.run(['apply', 'edit-last-applied', 'deployment/last'], {
      env: { KUBE_EDITOR: 'sed -i s/1.30/1.31/' },
    });
    expect(edited.stdout).toBe('deployment.apps/last edited\n');
    expect(await kube.text('apply', 'view-last-applied', 'deployment/last', '-o', 'json')).toContain(
      '"image": "nginx:1.31"',
    );
    const { spec }: Json = await kube.json('get', 'deployment', 'last');
    expect(spec.template.spec.containers[0].image).toBe('nginx:1.25');
  });

  it('diffs against what the server would make of it', async () => {
    await apply({ name: 'diffed' });
    const diff = (wish: Wish, code: number): Promise<{ stdout: string }> =>
      kube.run(['diff', '--server-side', '-f', '-'], { stdin: manifest(wish), code });
    expect((await diff({ name: 'diffed' }, 0)).stdout).toBe('');
    const changed = (await diff({ name: 'diffed', replicas: 4 }, 1)).stdout;
    expect(changed).toContain('-  replicas: 2\n+  replicas: 4\n');
    expect(changed).toContain('-  generation: 1\n+  generation: 2\n');
    expect((await kube.json('get', 'deployment', 'diffed')).spec.replicas).toBe(2);
  });

  it('is told of fields that do not exist', async () => {
    const config = { ...(JSON.parse(manifest({ name: 'odd' })) as object), bogus: 1 };
    const refused = await kube.run(['apply', '--server-side', '--validate=false', '-f', '-'], {
      stdin: JSON.stringify(config),
      code: 1,
    });
    expect(refused.stderr).toContain(
      'failed to create typed patch object (default/odd; apps/v1, Kind=Deployment): .bogus: field not declared in schema',
    );
  });

  it('names itself as manager of every other write', async () => {
    await kube.text('create', 'configmap', 'notes', '--from-literal=a=1');
    await kube.text('label', 'configmap', 'notes', 'x=y');
    await kube.text('annotate', 'configmap', 'notes', 'p=q');
    await kube.text('patch', 'configmap', 'notes', '--type=merge', '-p', '{"data":{"b":"2"}}');
    const { metadata }: Json = await kube.json('get', 'configmap', 'notes', '--show-managed-fields');
    const names = (metadata.managedFields as ManagedFieldsEntry[]).map(({ manager }) => manager);
    expect(new Set(names)).toEqual(
      new Set(['kubectl-annotate', 'kubectl-create', 'kubectl-label', 'kubectl-patch']),
    );
  });

  it('sees controllers and nodes write under the names of their binaries', async () => {
    await apply({ name: 'run', replicas: 1 });
    await kube.text('rollout', 'status', 'deployment/run', '--timeout=30s');
    const { items }: Json = await kube.json('get', 'pods', '-l', 'app=run', '--show-managed-fields');
    const found = (items[0].metadata.managedFields as ManagedFieldsEntry[]).map(
      ({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`.trim(),
    );
    expect(found).toEqual(['kube-controller-manager Update', 'kubelet Update status']);
    const namespace: Json = await kube.json('get', 'namespace', 'default', '--show-managed-fields');
    expect(namespace.metadata.managedFields[0].manager).toBe('kube-apiserver');
  });
});
