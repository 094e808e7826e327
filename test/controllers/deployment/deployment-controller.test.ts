import { afterEach, describe, expect, it } from 'vitest';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { controllerOf } from '../../../api/machinery/object-meta.ts';
import { deployments, replicaSets, type Deployment, type ReplicaSet } from '../../../openapi/generated/apps-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

type Spec = Partial<Deployment['spec']>;

async function create(name: string, spec: Spec = {}, annotations?: Record<string, string>): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image:1' }] } };
  await harness.client.create(deployments, {
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: { replicas: 3, selector: { matchLabels: labels }, template, ...spec },
  });
  await harness.settle();
}

async function setImage(name: string, image: string): Promise<void> {
  await harness.change(deployments, name, ({ spec }) => {
    spec.template.spec!.containers[0]!.image = image;
  });
  await harness.settle();
}

/** Makes every pod ready until nothing changes any more. */
async function runAll(): Promise<void> {
  for (;;) {
    await harness.settle();
    const waiting = (await harness.pods()).filter(({ status }) => status.phase !== 'Running');
    if (waiting.length === 0) return;
    for (const pod of waiting) await harness.setReady(pod);
  }
}

/** Replica sets by revision. */
async function revisions(): Promise<Record<string, ReplicaSet>> {
  const sets = await harness.list(replicaSets);
  return Object.fromEntries(sets.map((set) => [set.metadata.annotations!['deployment.kubernetes.io/revision']!, set]));
}

const condition = ({ status }: Deployment, type: string): unknown => {
  const found = status.conditions?.find((entry) => entry.type === type);
  return found === undefined ? undefined : [found.status, found.reason, found.message];
};

describe('a new deployment', () => {
  it('makes a replica set with the hash of its template, and reports progress', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', {}, { note: 'copied', 'kubectl.kubernetes.io/last-applied-configuration': '{}' });
    const [set] = await harness.list(replicaSets);
    const hash = set!.metadata.labels!['pod-template-hash']!;
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(set!.metadata).toMatchObject({
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: {
        note: 'copied',
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
    });
    expect(set!.metadata.annotations).not.toHaveProperty('kubectl.kubernetes.io/last-applied-configuration');
    expect(set!.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    let web = await harness.get(deployments, 'web');
    expect(web.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' });
    expect(web.status).toMatchObject({ observedGeneration: 1, replicas: 3, updatedReplicas: 3, unavailableReplicas: 3, terminatingReplicas: 0 });
    expect(condition(web, 'Available')).toEqual(['False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.']);
    expect(condition(web, 'Progressing')).toEqual(['True', 'ReplicaSetUpdated', `ReplicaSet "web-${hash}" is progressing.`]);
    await runAll();
    web = await harness.get(deployments, 'web');
    expect(web.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3 });
    expect(web.status.unavailableReplicas).toBeUndefined();
    expect(condition(web, 'Available')).toEqual(['True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.']);
    expect(condition(web, 'Progressing')).toEqual(['True', 'NewReplicaSetAvailable', `ReplicaSet "web-${hash}" has successfully progressed.`]);
    expect(await harness.events()).toContain(`Normal ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`);
    expect(harness.logs).toEqual([]);
  });

  it('adopts a replica set of its template that nobody owns', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web');
    const [set] = await harness.list(replicaSets);
    await harness.client.delete(deployments, { namespace: NAMESPACE, name: 'web' }, { propagationPolicy: 'Background' });
    await harness.change(replicaSets, set!.metadata.name!, ({ metadata }) => delete metadata.ownerReferences);
    await create('web');
    const [adopted, ...more] = await harness.list(replicaSets);
    expect(more).toEqual([]);
    expect(controllerOf(adopted!)?.uid).toBe((await harness.get(deployments, 'web')).metadata.uid);
  });
});
