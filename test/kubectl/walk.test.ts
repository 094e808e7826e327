/** The first Kubernetes tutorial, walked with real kubectl binaries against the real command. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventReasons, type Output, type RunOptions } from './harness.ts';
import { kubectls, openSession, type Json, type Session } from './session.ts';

if (kubectls.length === 0)
  process.stdout.write('kubectl: none found ($KUBECTL or PATH), its tests are skipped\n');

function deployment(image: string, replicas: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: webapp1
  namespace: demo
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: webapp1
  template:
    metadata:
      labels:
        app: webapp1
    spec:
      containers:
      - name: webapp1
        image: ${image}
        ports:
        - containerPort: 80
`;
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: webapp1-svc
  namespace: demo
spec:
  selector:
    app: webapp1
  ports:
  - port: 80
`;

describe.skipIf(kubectls.length === 0).each(kubectls)('$name', (kubectl) => {
  let kube: Session;
  const run = (args: readonly string[], options?: RunOptions): Promise<Output> => kube.run(args, options);
  const json = (...args: string[]): Promise<Json> => kube.json(...args);
  const text = (...args: string[]): Promise<string> => kube.text(...args);
  const table = (...args: string[]): Promise<string[][]> => kube.table(...args);

  beforeAll(async () => {
    kube = await openSession(kubectl);
  });
  afterAll(() => kube.end());

  it('finds the cluster', async () => {
    expect(await text('version')).toMatch(/Server Version: .*v1\.36\./s);
    expect(await text('cluster-info')).toContain(`is running at`);
    const nodes = await table('get', 'nodes');
    expect(nodes[0]).toEqual(['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION']);
    expect(nodes).toHaveLength(2);
    expect(nodes[1]![1]).toBe('Ready');
    const namespaces = (await table('get', 'ns')).slice(1).map((row) => row.slice(0, 2));
    expect(namespaces).toEqual([
      ['default', 'Active'],
      ['kube-node-lease', 'Active'],
      ['kube-public', 'Active'],
      ['kube-system', 'Active'],
    ]);
    expect(await text('api-versions')).toMatch(/^apps\/v1$/m);
    const resources = await text('api-resources');
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m);
  });

  it('runs a deployment', async () => {
    expect(await text('create', 'namespace', 'demo')).toBe('namespace/demo created\n');
    const applied = await run(['apply', '-f', '-'], { stdin: deployment('nginx:1.7.9', 1) });
    expect(applied.stdout).toBe('deployment.apps/webapp1 created\n');
    expect(await text('-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s')).toContain(
      'successfully rolled out',
    );
    const wide = await text('-n', 'demo', 'get', 'deploy,rs,pods', '-o', 'wide');
    expect(wide).toMatch(/deployment\.apps\/webapp1 +1\/1 +1 +1 +\S+ +webapp1 +nginx:1\.7\.9 +app=webapp1/);
    expect(wide).toMatch(
      /pod\/webapp1-[a-z0-9]+-[a-z0-9]{5} +1\/1 +Running +0 +\S+ +10\.\d+\.\d+\.\d+ +\S+ +<none> +<none>/,
    );
    const again = await run(['apply', '-f', '-'], { stdin: deployment('nginx:1.7.9', 1) });
    expect(again.stdout).toBe('deployment.apps/webapp1 unchanged\n');
  });

  it('describes it like a real cluster', async () => {
    const described = await text('-n', 'demo', 'describe', 'deployment', 'webapp1');
    expect(described).toMatch(
      /^Replicas: +1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable$/m,
    );
    expect(described).toMatch(/^StrategyType: +RollingUpdate$/m);
    expect(described).toMatch(/^RollingUpdateStrategy: +25% max unavailable, 25% max surge$/m);
    expect(described).toMatch(/Available +True +MinimumReplicasAvailable/);
    expect(described).toMatch(/Progressing +True +NewReplicaSetAvailable/);
    expect(described).toMatch(
      /Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set webapp1-\S+ from 0 to 1/,
    );
    const pod = await text('-n', 'demo', 'describe', 'pod', '-l', 'app=webapp1');
    for (const line of [
      /^Status: +Running$/m,
      /^Controlled By: +ReplicaSet\/webapp1-/m,
      /^ +State: +Running$/m,
      /^ +Ready: +True$/m,
      /^ +\/var\/run\/secrets\/kubernetes\.io\/serviceaccount from kube-api-access-\S+ \(ro\)$/m,
      /^QoS Class: +BestEffort$/m,
      /node\.kubernetes\.io\/not-ready:NoExecute op=Exists for 300s/,
      /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned demo\/webapp1-\S+ to \S+/,
      /Normal +Pulling +\S+ +kubelet +(spec\.\S+: )?Pulling image "nginx:1\.7\.9"/,
      /Normal +Pulled +\S+ +kubelet +(spec\.\S+: )?Successfully pulled image "nginx:1\.7\.9" in /,
      /Normal +Created +\S+ +kubelet +(spec\.\S+: )?Container created/,
      /Normal +Started +\S+ +kubelet +(spec\.\S+: )?Container started/,
    ]) {
      expect(pod).toMatch(line);
    }
    expect(eventReasons(pod)).toEqual(['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started']);
    const node = await text('describe', 'node');
    for (const line of [
      /^ +Ready +True +.*KubeletReady +kubelet is posting ready status$/m,
      /^Taints: +<none>$/m,
      /^Non-terminated Pods: +\(1 in total\)$/m,
      /^Lease:$/m,
      /^ +HolderIdentity: +\S+$/m,
      /Normal +RegisteredNode +.* event: Registered Node \S+ in Controller/,
    ]) {
      expect(node).toMatch(line);
    }
  });

  it('rolls out a new image, back, and on', async () => {
    await run(['apply', '-f', '-'], { stdin: deployment('nginx:1.8', 1) });
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    const sets = (await json('-n', 'demo', 'get', 'rs')).items.map((set: Json) => [
      set.spec.template.spec.containers[0].image,
      set.spec.replicas,
      set.metadata.annotations['deployment.kubernetes.io/revision'],
    ]);
    expect(sets.sort()).toEqual([
      ['nginx:1.7.9', 0, '1'],
      ['nginx:1.8', 1, '2'],
    ]);
    expect(await text('-n', 'demo', 'rollout', 'history', 'deployment/webapp1')).toMatch(/^1 .*\n2 /m);
    expect(await text('-n', 'demo', 'rollout', 'undo', 'deployment/webapp1')).toContain('rolled back');
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    expect(
      await text(
        '-n',
        'demo',
        'get',
        'deploy',
        'webapp1',
        '-o',
        'jsonpath={.spec.template.spec.containers[0].image}',
      ),
    ).toBe('nginx:1.7.9');
    expect(await text('-n', 'demo', 'rollout', 'history', 'deployment/webapp1')).toMatch(/^2 .*\n3 /m);
    await run(['-n', 'demo', 'set', 'image', 'deployment/webapp1', 'webapp1=nginx:1.9']);
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    expect(await text('-n', 'demo', 'rollout', 'restart', 'deployment/webapp1')).toContain('restarted');
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    const restarted = await json('-n', 'demo', 'get', 'deploy', 'webapp1');
    expect(restarted.spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt']).toBeTruthy();
    expect(restarted.metadata.annotations['deployment.kubernetes.io/revision']).toBe('5');
  });

  it('pauses and resumes a rollout', async () => {
    expect(await text('-n', 'demo', 'rollout', 'pause', 'deployment/webapp1')).toContain('paused');
    await run(['-n', 'demo', 'set', 'image', 'deployment/webapp1', 'webapp1=nginx:1.10']);
    await run([
      '-n',
      'demo',
      'wait',
      'deployment/webapp1',
      '--for=jsonpath={.status.observedGeneration}=' + (await generation()),
      '--timeout=30s',
    ]);
    expect((await podImages()).join()).toBe('nginx:1.9');
    expect(await text('-n', 'demo', 'rollout', 'resume', 'deployment/webapp1')).toContain('resumed');
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    await run(['-n', 'demo', 'wait', 'deployment/webapp1', '--for=condition=Progressing', '--timeout=30s']);
    expect(await podImages()).toContain('nginx:1.10');
  });

  const generation = async (): Promise<string> =>
    text('-n', 'demo', 'get', 'deploy', 'webapp1', '-o', 'jsonpath={.metadata.generation}');
  /** Images of the pods that are not on their way out. */
  const podImages = async (): Promise<string[]> =>
    (await json('-n', 'demo', 'get', 'pods')).items
      .filter((pod: Json) => pod.metadata.deletionTimestamp === undefined)
      .map((pod: Json) => pod.spec.containers[0].image);

  it('keeps serving when an image cannot be pulled', async () => {
    await run(['-n', 'demo', 'set', 'image', 'deployment/webapp1', 'webapp1=nginx:does-not-exist']);
    const pods = await until(async () => {
      const items = (await json('-n', 'demo', 'get', 'pods')).items.filter(
        (pod: Json) => pod.metadata.deletionTimestamp === undefined,
      );
      const waiting = items.find(
        (pod: Json) => pod.status.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
      );
      return waiting === undefined ? undefined : items;
    });
    expect(pods).toHaveLength(2);
    expect(pods.filter((pod: Json) => pod.status.phase === 'Running')).toHaveLength(1);
    const broken = pods.find((pod: Json) => pod.status.phase === 'Pending').metadata.name;
    expect(await text('-n', 'demo', 'get', 'pod', broken)).toMatch(/0\/1 +ImagePullBackOff/);
    const described = await text('-n', 'demo', 'describe', 'pod', broken);
    expect(described).toMatch(
      /Warning +Failed +.*kubelet +(spec\.\S+: )?Failed to pull image "nginx:does-not-exist"/,
    );
    expect(described).toMatch(
      /Normal +BackOff +.*kubelet +(spec\.\S+: )?Back-off pulling image "nginx:does-not-exist"/,
    );
    await run(['-n', 'demo', 'rollout', 'undo', 'deployment/webapp1']);
    expect(await text('-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s')).toContain(
      'successfully rolled out',
    );
  });

  /** Asks again until `probe` answers something; bounded by the test's own time limit. */
  async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < 300; tries++) {
      const value = await probe();
      if (value !== undefined) return value;
    }
    throw new Error('condition not reached');
  }

  it('serves pods through a service and scales', async () => {
    await run(['apply', '-f', '-'], { stdin: SERVICE });
    expect(await text('-n', 'demo', 'get', 'svc', 'webapp1-svc', '-o', 'jsonpath={.spec.clusterIP}')).toMatch(
      /^10\.96\./,
    );
    expect(await text('-n', 'demo', 'scale', 'deployment/webapp1', '--replicas=3')).toContain('scaled');
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    expect((await podImages()).length).toBe(3);
    const described = await text('-n', 'demo', 'describe', 'deployment', 'webapp1');
    expect(described.trimEnd().split('\n').at(-1)).toMatch(
      /Normal +ScalingReplicaSet +\S+( \(x\d+ over \S+\))? +deployment-controller +(\(combined from similar events\): )?Scaled up replica set webapp1-\S+ from 1 to 3/,
    );
    const endpoints = await until(async () => {
      const subsets = (await json('-n', 'demo', 'get', 'endpoints', 'webapp1-svc')).subsets ?? [];
      return subsets[0]?.addresses?.length === 3 ? subsets : undefined;
    });
    expect(endpoints[0].ports).toEqual([{ port: 80, protocol: 'TCP' }]);
    const slices = (
      await json('-n', 'demo', 'get', 'endpointslices', '-l', 'kubernetes.io/service-name=webapp1-svc')
    ).items;
    expect(slices).toHaveLength(1);
    expect(slices[0].endpoints.filter((endpoint: Json) => endpoint.conditions.ready)).toHaveLength(3);
    await run(['apply', '-f', '-'], { stdin: deployment('nginx:1.10', 2) });
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    await until(async () =>
      (await json('-n', 'demo', 'get', 'endpoints', 'webapp1-svc')).subsets?.[0]?.addresses?.length === 2
        ? true
        : undefined,
    );
  });

  it('replaces a deleted pod, and deletes with the deployment', async () => {
    const before = (await json('-n', 'demo', 'get', 'pods')).items.map((pod: Json) => pod.metadata.name);
    await run(['-n', 'demo', 'delete', 'pod', before[0], '--wait=true', '--timeout=60s', '--grace-period=1']);
    await run(['-n', 'demo', 'rollout', 'status', 'deployment/webapp1', '--timeout=30s']);
    const after = (await json('-n', 'demo', 'get', 'pods')).items.map((pod: Json) => pod.metadata.name);
    expect(after).not.toContain(before[0]);
    await run(['-n', 'demo', 'delete', 'deployment', 'webapp1']);
    await until(async () => ((await json('-n', 'demo', 'get', 'rs')).items.length === 0 ? true : undefined));
    await run(['-n', 'demo', 'delete', 'pods', '--all', '--grace-period=0', '--force', '--wait=true']);
    expect((await json('-n', 'demo', 'get', 'pods')).items).toHaveLength(0);
  });

  it('runs a job to its end', async () => {
    await run(['apply', '-f', '-'], {
      stdin: `apiVersion: batch/v1
kind: Job
metadata:
  name: hello
  namespace: demo
spec:
  template:
    spec:
      restartPolicy: OnFailure
      containers:
      - name: hello
        image: busybox:1.36
        command: ["echo", "hello"]
`,
    });
    await run(['-n', 'demo', 'wait', 'job/hello', '--for=condition=Complete', '--timeout=30s']);
    expect(await text('-n', 'demo', 'get', 'job', 'hello')).toMatch(/hello +(Complete +)?1\/1/);
    expect(await text('-n', 'demo', 'describe', 'job', 'hello')).toMatch(
      /Normal +Completed +\S+ +job-controller +Job completed/,
    );
    expect(await text('-n', 'demo', 'get', 'pods', '-l', 'job-name=hello')).toMatch(/0\/1 +Completed/);
  });

  const volume = (name: string, tier: string): string => `apiVersion: v1
kind: PersistentVolume
metadata:
  name: ${name}
  labels:
    tier: ${tier}
spec:
  capacity:
    storage: 5Gi
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  hostPath:
    path: /data
`;
  const claim = (name: string, size: string, tier: string): string => `apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: ${name}
  namespace: demo
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  resources:
    requests:
      storage: ${size}
  selector:
    matchLabels:
      tier: ${tier}
---
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: demo
spec:
  containers:
  - name: app
    image: nginx:1.25
    volumeMounts:
    - name: data
      mountPath: /data
  volumes:
  - name: data
    persistentVolumeClaim:
      claimName: ${name}
`;

  it('binds claims that match, and leaves the others pending', async () => {
    await run(['apply', '-f', '-'], { stdin: volume('small', 'gold') });
    await run(['apply', '-f', '-'], { stdin: claim('large', '8Gi', 'silver') });
    await until(async () =>
      (await text('-n', 'demo', 'describe', 'pvc', 'large')).includes('FailedBinding') ? true : undefined,
    );
    expect(await text('-n', 'demo', 'get', 'pvc', 'large')).toMatch(/large +Pending/);
    expect(await text('-n', 'demo', 'describe', 'pvc', 'large')).toMatch(
      /Normal +FailedBinding +.*persistentvolume-controller +no persistent volumes available for this claim and no storage class is set/,
    );
    expect(await text('-n', 'demo', 'get', 'pod', 'large')).toMatch(/0\/1 +Pending/);
    const described = await until(async () => {
      const output = await text('-n', 'demo', 'describe', 'pod', 'large');
      return output.includes('FailedScheduling') ? output : undefined;
    });
    expect(described).toMatch(
      /Warning +FailedScheduling +.*default-scheduler +.*pod has unbound immediate PersistentVolumeClaims/,
    );
    await run(['apply', '-f', '-'], { stdin: claim('fits', '3Gi', 'gold') });
    await run(['-n', 'demo', 'wait', 'pod/fits', '--for=condition=Ready', '--timeout=30s']);
    expect(await text('-n', 'demo', 'get', 'pvc', 'fits')).toMatch(/fits +Bound +small +5Gi +RWO/);
    expect(await text('get', 'pv', 'small')).toMatch(/small +5Gi +RWO +Retain +Bound +demo\/fits/);
  });

  it('empties and removes a namespace', async () => {
    await run(['delete', 'ns', 'demo', '--timeout=90s'], { timeoutMs: 100_000 });
    expect((await run(['get', 'ns', 'demo'], { code: 1 })).stderr).toContain('namespaces "demo" not found');
  }, 120_000);
});
