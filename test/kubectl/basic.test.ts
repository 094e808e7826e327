/** kubectl's "basic" commands: create, expose, run, set, explain, get, edit, delete. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, kubectls, openSession, type Session } from './session.ts';

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;

  beforeAll(async () => {
    kube = await openSession(kubectl);
    await kube.text('create', 'deployment', 'web', '--image=nginx:1.25', '--replicas=2', '--port=80');
    await kube.text('rollout', 'status', 'deployment/web', '--timeout=30s');
  });
  afterAll(() => kube.end());

  describe('create', () => {
    it.each<[string[], string]>([
      [['configmap', 'c', '--from-literal=a=b'], 'configmap/c created\n'],
      [['secret', 'generic', 's', '--from-literal=a=b'], 'secret/s created\n'],
      [['namespace', 'n'], 'namespace/n created\n'],
      [['serviceaccount', 'robot'], 'serviceaccount/robot created\n'],
      [['quota', 'q', '--hard=configmaps=100'], 'resourcequota/q created\n'],
      [['priorityclass', 'p', '--value=10'], 'priorityclass.scheduling.k8s.io/p created\n'],
      [
        ['poddisruptionbudget', 'b', '--selector=app=x', '--min-available=1'],
        'poddisruptionbudget.policy/b created\n',
      ],
      [['role', 'r', '--verb=get', '--resource=pods'], 'role.rbac.authorization.k8s.io/r created\n'],
      [
        ['rolebinding', 'rb', '--role=r', '--user=jane'],
        'rolebinding.rbac.authorization.k8s.io/rb created\n',
      ],
      [
        ['clusterrole', 'cr', '--verb=get', '--non-resource-url=/logs'],
        'clusterrole.rbac.authorization.k8s.io/cr created\n',
      ],
      [['ingress', 'i', '--rule=example.com/*=web:80'], 'ingress.networking.k8s.io/i created\n'],
      [['service', 'clusterip', 'svc', '--tcp=80:80'], 'service/svc created\n'],
      [['service', 'externalname', 'ext', '--external-name=example.com'], 'service/ext created\n'],
      [['job', 'j', '--image=busybox', '--', 'true'], 'job.batch/j created\n'],
      [
        ['cronjob', 'cj', '--image=busybox', '--schedule=0 0 1 1 *', '--', 'true'],
        'cronjob.batch/cj created\n',
      ],
    ])('%s', async (args, output) => {
      expect(await kube.text('create', ...args)).toBe(output);
    });

    it('tells what is there already', async () => {
      expect(await kube.failure('create', 'configmap', 'c')).toBe(
        'error: failed to create configmap: configmaps "c" already exists\n',
      );
    });

    it('on the server for show leaves nothing behind', async () => {
      const shown = await kube.text(
        'create',
        'deployment',
        'd',
        '--image=a',
        '--dry-run=server',
        '-o',
        'yaml',
      );
      expect(shown).toMatch(/^ {2}uid: [0-9a-f-]{36}$/m);
      expect(shown).toContain('progressDeadlineSeconds: 600');
      expect(await kube.text('create', 'service', 'nodeport', 'x', '--tcp=80', '--dry-run=server')).toBe(
        'service/x created (server dry run)\n',
      );
      expect(await kube.failure('get', 'deployment', 'd')).toBe(
        'Error from server (NotFound): deployments.apps "d" not found\n',
      );
    });

    it('makes names', async () => {
      const manifest = JSON.stringify({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { generateName: 'gen-' },
      });
      expect(await kube.feed(manifest, 'create')).toMatch(
        /^configmap\/gen-[bcdfghjklmnpqrstvwxz2-9]{5} created\n$/,
      );
    });

    it('a job from a cron job', async () => {
      expect(await kube.text('create', 'job', 'once', '--from=cronjob/cj')).toBe('job.batch/once created\n');
      const [owner] = (await kube.json('get', 'job', 'once')).metadata.ownerReferences;
      expect(owner).toMatchObject({ kind: 'CronJob', name: 'cj' });
    });

    it('a token', async () => {
      const [, claims] = (
        await kube.text('create', 'token', 'robot', '--audience=vault', '--duration=20m')
      ).split('.');
      expect(JSON.parse(Buffer.from(claims!, 'base64url').toString())).toMatchObject({
        aud: ['vault'],
        sub: 'system:serviceaccount:default:robot',
      });
    });
  });

  it('expose and run', async () => {
    expect(await kube.text('expose', 'deployment', 'web')).toBe('service/web exposed\n');
    expect(await kube.text('run', 'solo', '--image=nginx', '--labels=run=solo')).toBe('pod/solo created\n');
    expect(await kube.text('wait', 'pod/solo', '--for=condition=Ready', '--timeout=20s')).toBe(
      'pod/solo condition met\n',
    );
  });

  it('get all across namespaces, wide', async () => {
    const shown = await kube.text('get', 'all', '-A', '-o', 'wide');
    expect(shown).toMatch(
      /^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/m,
    );
    expect(shown).toMatch(
      /^default +pod\/web-\w+-\w+ +1\/1 +Running +0 +\S+ +10\.\S+ +\S+ +<none> +<none>$/m,
    );
    expect(shown).toMatch(
      /^default +service\/kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\S+ +<none>$/m,
    );
    expect(shown).toMatch(/^default +deployment\.apps\/web +2\/2 +2 +2 +\S+ +nginx +nginx:1\.25 +app=web$/m);
    expect(shown).toMatch(/^default +replicaset\.apps\/web-\w+ +2 +2 +2 /m);
    expect(shown).toMatch(/^default +job\.batch\/j +/m);
    expect(shown).toMatch(/^default +cronjob\.batch\/cj +0 0 1 1 \* /m);
  });

  it('get in other forms', async () => {
    expect(await kube.text('get', 'pod', 'solo', '-o', 'name')).toBe('pod/solo\n');
    expect(await kube.text('get', 'pod', 'solo', '-o', 'jsonpath={.status.phase}')).toBe('Running');
    expect(
      await kube.text(
        'get',
        'deploy',
        '-o',
        'custom-columns=N:.metadata.name,R:.spec.replicas',
        '--no-headers',
      ),
    ).toMatch(/^web +2\n$/);
    expect(await kube.text('get', 'pods', '-l', 'run in (solo)', '--show-labels')).toMatch(/ run=solo\n$/);
    expect(await kube.text('get', 'pods', '--field-selector', 'metadata.name=solo', '-o', 'name')).toBe(
      'pod/solo\n',
    );
    expect(
      (await kube.text('get', 'cm', '--chunk-size=1', '-o', 'name')).trim().split('\n').length,
    ).toBeGreaterThan(1);
    expect(await kube.text('get', 'deploy', 'web', '--subresource=scale')).toMatch(
      /^NAME +DESIRED +AVAILABLE +AGE\nweb +2 +2 +\S+\n$/,
    );
    expect(await kube.failure('get', 'pods', '--field-selector', 'nope=x')).toContain(
      'field label not supported: nope',
    );
  });

  it('explain', async () => {
    const field = await kube.text('explain', 'deployment.spec.replicas');
    expect(field).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: replicas <integer>\n/);
    const old = await kube.text('explain', 'deployment.spec', '--output=plaintext-openapiv2');
    expect(old).toMatch(/^KIND: +Deployment\nVERSION: +apps\/v1\n\nRESOURCE: spec <Object>\n/);
    expect(await kube.text('explain', 'pods', '--recursive')).toMatch(/^ {2}metadata\t<ObjectMeta>$/m);
    expect(await kube.failure('explain', 'pods.spec.nope')).toContain('field "nope" does not exist');
  });

  it('edit', async () => {
    const editor = kube.file('editor.sh', '#!/bin/sh\nsed -i "s/a: b/a: edited/" "$1"\n');
    await kube.run(['edit', 'configmap', 'c'], { env: { KUBE_EDITOR: `sh ${editor}` } });
    expect((await kube.json('get', 'cm', 'c')).data).toEqual({ a: 'edited' });
  });

  describe('delete', () => {
    it('by name, by file, by label, all', async () => {
      expect(await kube.text('delete', 'configmap', 'c')).toMatch(/^configmap "c" deleted/);
      const manifest = configMap('d', { a: 'b' }, { kill: 'me' });
      await kube.feed(manifest, 'create');
      expect(await kube.feed(manifest, 'delete')).toMatch(/^configmap "d" deleted/);
      await kube.feed(manifest, 'create');
      expect(await kube.text('delete', 'cm', '-l', 'kill=me')).toMatch(/^configmap "d" deleted/);
      expect(await kube.text('delete', 'jobs', '--all')).toMatch(/^job\.batch "j" deleted/);
      expect(await kube.text('delete', 'pod', 'gone', '--ignore-not-found')).toBe('');
    });

    it('only in a dry run', async () => {
      expect(await kube.text('delete', 'pod', 'solo', '--dry-run=server')).toMatch(
        /^pod "solo" deleted .*\(server dry run\)|^pod "solo" deleted \(server dry run\)/,
      );
      expect(await kube.text('get', 'pod', 'solo', '-o', 'name')).toBe('pod/solo\n');
    });

    it('now, and waits until the pod is gone', async () => {
      await kube.text('delete', 'pod', 'solo', '--now');
      expect(await kube.failure('get', 'pod', 'solo')).toContain('pods "solo" not found');
    });

    it('leaves dependents alone when told so', async () => {
      await kube.text('delete', 'deployment', 'web', '--cascade=orphan');
      const [set] = (await kube.json('get', 'rs')).items;
      expect(set.metadata.ownerReferences).toBeUndefined();
      await kube.text('delete', 'rs', '--all', '--cascade=foreground');
      expect((await kube.json('get', 'pods', '-l', 'app=web')).items).toEqual([]);
    });

    it('keeps the namespaces of the system', async () => {
      expect(await kube.failure('delete', 'ns', 'default')).toBe(
        'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted\n',
      );
      expect(await kube.text('delete', 'ns', 'n')).toBe('namespace "n" deleted\n');
    });
  });
});
