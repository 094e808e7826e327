/** kubectl's "deploy" and "cluster management" commands: rollout, scale, autoscale; certificate, cordon, drain, taint. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectls, openSession, type Session } from './session.ts';

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;
  let node: string;

  beforeAll(async () => {
    kube = await openSession(kubectl, ['--nodes', '2']);
    node = (await kube.text('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
    await kube.text('create', 'deployment', 'web', '--image=nginx:1.25', '--replicas=2');
    await kube.text('rollout', 'status', 'deployment/web', '--timeout=30s');
  });
  afterAll(() => kube.end());

  it('rollout', async () => {
    expect(await kube.text('set', 'image', 'deployment/web', 'nginx=nginx:1.26')).toBe(
      'deployment.apps/web image updated\n',
    );
    await kube.text('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await kube.text('rollout', 'history', 'deployment/web')).toBe(
      'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n',
    );
    expect(await kube.text('rollout', 'history', 'deployment/web', '--revision=1')).toContain('nginx:1.25');
    expect(await kube.text('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n');
    expect(await kube.text('rollout', 'restart', 'deployment/web')).toBe('deployment.apps/web restarted\n');
    expect(await kube.text('rollout', 'pause', 'deployment/web')).toBe('deployment.apps/web paused\n');
    expect(await kube.text('rollout', 'resume', 'deployment/web')).toBe('deployment.apps/web resumed\n');
    expect(await kube.text('rollout', 'status', 'deployment/web', '--timeout=30s')).toContain(
      'successfully rolled out',
    );
  });

  it('scale', async () => {
    expect(await kube.text('scale', 'deployment', 'web', '--replicas=3', '--current-replicas=2')).toBe(
      'deployment.apps/web scaled\n',
    );
    expect(await kube.failure('scale', 'deployment', 'web', '--replicas=1', '--current-replicas=9')).toBe(
      'error: Expected replicas to be 9, was 3\n',
    );
    expect(
      await kube.text(
        'wait',
        'deployment/web',
        '--for=jsonpath={.status.availableReplicas}=3',
        '--timeout=20s',
      ),
    ).toBe('deployment.apps/web condition met\n');
  });

  it('autoscale', async () => {
    expect(await kube.text('autoscale', 'deployment', 'web', '--min=1', '--max=5', '--cpu-percent=50')).toBe(
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    );
    expect(await kube.text('get', 'hpa', '--no-headers')).toMatch(
      /^web +Deployment\/web +(cpu: )?<unknown>\/50% +1 +5 +\d +/,
    );
    expect(
      (await kube.json('get', 'horizontalpodautoscalers.v1.autoscaling', 'web')).spec
        .targetCPUUtilizationPercentage,
    ).toBe(50);
  });

  it('cordon, taint and uncordon', async () => {
    expect(await kube.text('cordon', node)).toBe(`node/${node} cordoned\n`);
    expect(await kube.text('cordon', node)).toBe(`node/${node} already cordoned\n`);
    expect(await kube.text('get', 'node', node, '--no-headers')).toMatch(/Ready,SchedulingDisabled/);
    expect(await kube.text('uncordon', node)).toBe(`node/${node} uncordoned\n`);
    expect(await kube.text('taint', 'node', node, 'a=b:NoSchedule')).toBe(`node/${node} tainted\n`);
    expect(await kube.failure('taint', 'node', node, 'a=c:NoSchedule')).toContain('already has a taint');
    expect(await kube.text('taint', 'node', node, 'a=c:NoSchedule', '--overwrite')).toBe(
      `node/${node} modified\n`,
    );
    expect((await kube.json('get', 'node', node)).spec.taints).toEqual([
      { key: 'a', value: 'c', effect: 'NoSchedule' },
    ]);
    expect(await kube.text('taint', 'node', node, 'a-')).toBe(`node/${node} untainted\n`);
  });

  it('drain moves what runs on a node', async () => {
    await kube.text('run', 'alone', '--image=nginx', '--restart=Never');
    await kube.text('wait', 'pod/alone', '--for=condition=Ready', '--timeout=20s');
    const home = (await kube.json('get', 'pod', 'alone')).spec.nodeName as string;
    const { stdout } = await kube.run(['drain', home, '--ignore-daemonsets', '--force', '--timeout=40s']);
    expect(stdout).toContain('evicting pod default/alone');
    expect(stdout).toMatch(new RegExp(`node/${home} drained\\n$`));
    expect((await kube.json('get', 'pods', '--field-selector', `spec.nodeName=${home}`)).items).toEqual([]);
    await kube.text('uncordon', home);
  });

  it('drain is held up by a budget', async () => {
    await kube.text('create', 'pdb', 'all', '--selector=app=web', '--max-unavailable=0');
    // A budget that nobody has looked at yet makes clients wait for longer than this test.
    await kube.text('wait', 'pdb/all', '--for=jsonpath={.status.observedGeneration}=1', '--timeout=20s');
    const home = (
      await kube.text('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].spec.nodeName}')
    ).trim();
    const { stderr } = await kube.run(['drain', home, '--ignore-daemonsets', '--force', '--timeout=2s'], {
      code: 1,
    });
    expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    await kube.text('delete', 'pdb', 'all');
    await kube.text('uncordon', home);
  });

  it('certificate', async () => {
    const request = newRequest();
    const manifest = (name: string): string =>
      JSON.stringify({
        kind: 'CertificateSigningRequest',
        apiVersion: 'certificates.k8s.io/v1',
        metadata: { name },
        spec: { request, signerName: 'example.com/signer', usages: ['client auth'] },
      });
    await kube.feed(manifest('yes'), 'create');
    await kube.feed(manifest('no'), 'create');
    const name = 'certificatesigningrequest.certificates.k8s.io';
    expect(await kube.text('certificate', 'approve', 'yes')).toBe(`${name}/yes approved\n`);
    expect(await kube.text('certificate', 'deny', 'no')).toBe(`${name}/no denied\n`);
    const rows = (await kube.table('get', 'csr', '--no-headers')).map((row) => [
      row[0],
      row[2],
      row[3],
      row.at(-1),
    ]);
    expect(rows).toEqual([
      ['no', 'example.com/signer', 'kubernetes-admin', 'Denied'],
      ['yes', 'example.com/signer', 'kubernetes-admin', 'Approved'],
    ]);
    expect((await kube.json('get', 'csr', 'yes')).spec.groups).toEqual([
      'system:masters',
      'system:authenticated',
    ]);
  });

  it('cluster-info and api-resources', async () => {
    expect(await kube.text('cluster-info')).toContain('is running at');
    const names = (await kube.text('api-resources', '--sort-by=name', '--no-headers'))
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/)[0]!);
    expect(names).toEqual([...names].sort());
    expect(await kube.text('api-resources', '--api-group=apps', '-o', 'name')).toBe(
      'controllerrevisions.apps\ndaemonsets.apps\ndeployments.apps\nreplicasets.apps\nstatefulsets.apps\n',
    );
  });
});

/** A request in base64 of PEM. */
function newRequest(): string {
  const options = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const pem = execFileSync('openssl', [...options, '-keyout', '/dev/null', '-subj', '/CN=jane/O=devs'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return pem.toString('base64');
}
