/** Binding, eviction, resize and ephemeral containers of pods, request by request. */
import { beforeEach, describe, expect, it } from 'vitest';
import { newTestServer, type Answer, type Body, type TestServer } from '../fixtures/server.ts';

const PODS = '/api/v1/namespaces/default/pods';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const MESSAGE = "Cannot evict pod as it would violate the pod's disruption budget.";

// oxlint-disable-next-line no-explicit-any -- whatever the server answers; the assertions say what it must be
type Json = any;

let server: TestServer;

const podOf = async (name = 'p'): Promise<Json> => (await server.call('GET', `${PODS}/${name}`)).json;
const createPod = (name = 'p', container: object = {}): Promise<Answer> =>
  server.call('POST', PODS, {
    metadata: { name, labels: { app: 'a' } },
    spec: { containers: [{ name: 'main', image: 'nginx', ...container }] },
  });
const bind = (body: object, query = ''): Promise<Answer> =>
  server.call('POST', `${PODS}/p/binding${query}`, body);
const setStatus = (status: object): Promise<Answer> =>
  server.call('PATCH', `${PODS}/p/status`, { status }, STRATEGIC);
const refusal = ({ status, json }: Answer): unknown[] => [status, json['message']];

beforeEach(async () => {
  server = await newTestServer();
});

describe('binding', () => {
  const toNode = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } };

  it('sets the node, takes annotations and labels along and says that the pod is scheduled', async () => {
    await createPod();
    const answer = await bind({
      ...toNode,
      metadata: { name: 'p', annotations: { a: '1' }, labels: { zone: 'z' } },
    });
    expect([answer.status, answer.json]).toMatchObject([201, { kind: 'Status', status: 'Success' }]);
    expect(await podOf()).toMatchObject({
      metadata: { annotations: { a: '1' }, labels: { app: 'a', zone: 'z' }, generation: 1 },
      spec: { nodeName: 'n1' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
  });

  it('happens once', async () => {
    await createPod();
    await bind(toNode);
    expect(refusal(await bind(toNode))).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    ]);
  });

  it('leaves no trace in a dry run', async () => {
    const before = (await createPod()).text;
    expect((await bind(toNode, '?dryRun=All')).status).toBe(201);
    expect((await server.call('GET', `${PODS}/p`)).text).toBe(before);
  });

  it.each<[string, object, number, string]>([
    [
      'another name',
      { ...toNode, metadata: { name: 'q' } },
      400,
      'name in URL does not match name in Binding object',
    ],
    ['no name', { target: toNode.target }, 400, 'name in URL does not match name in Binding object'],
    ['no target', { metadata: { name: 'p' }, target: {} }, 500, 'target.name: Required value'],
    [
      'another kind of target',
      { metadata: { name: 'p' }, target: { kind: 'Bin', name: 'x' } },
      500,
      'target.kind: Unsupported value: "Bin": supported values: "Node", "<empty>"',
    ],
    [
      'another UID',
      { ...toNode, metadata: { name: 'p', uid: 'u' } },
      409,
      'Operation cannot be fulfilled on pods "p": Precondition failed: UID in precondition: u, UID in object meta: ',
    ],
    [
      'another namespace',
      { ...toNode, metadata: { name: 'p', namespace: 'other' } },
      400,
      'the namespace of',
    ],
  ])('refuses %s', async (_name, body, status, message) => {
    await createPod();
    const answer = await bind(body);
    expect(answer.json['message']).toContain(message);
    expect(answer.status).toBe(status);
    expect((await podOf()).spec.nodeName).toBeUndefined();
  });
});

describe('eviction', () => {
  const evict = (options: object = {}, query = ''): Promise<Answer> =>
    server.call('POST', `${PODS}/p/eviction${query}`, { metadata: { name: 'p' }, ...options });
  const budget = async (status: object, spec: object = {}): Promise<void> => {
    const created = await server.call('POST', BUDGETS, {
      metadata: { name: 'b' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } }, ...spec },
    });
    const object = created.json as Json;
    await server.call('PUT', `${BUDGETS}/b/status`, {
      ...object,
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status },
    });
  };
  const running = async (ready = 'True'): Promise<void> => {
    await createPod();
    await bind({ metadata: { name: 'p' }, target: { name: 'n1' } });
    await setStatus({ phase: 'Running', conditions: [{ type: 'Ready', status: ready }] });
  };
  const budgetStatus = async (): Promise<Json> => (await server.call('GET', `${BUDGETS}/b`)).json['status'];

  it('spends a disruption, says why in the pod and deletes it', async () => {
    await running();
    await budget({ observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    const answer = await evict();
    expect([answer.status, answer.json]).toMatchObject([201, { kind: 'Status', status: 'Success' }]);
    const pod = await podOf();
    expect(pod.metadata.deletionTimestamp).toBeDefined();
    expect(pod.status.conditions).toContainEqual({
      type: 'DisruptionTarget',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: expect.any(String),
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
    expect(await budgetStatus()).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { p: expect.any(String) },
      conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
    });
  });

  it('leaves no trace in a dry run', async () => {
    await running();
    await budget({ observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    const before = [await podOf(), await budgetStatus()];
    expect((await evict({}, '?dryRun=All')).status).toBe(201);
    expect((await evict({ deleteOptions: { dryRun: ['All'] } })).status).toBe(201);
    expect([await podOf(), await budgetStatus()]).toEqual(before);
  });

  it.each<[string, object, object, number | undefined, string]>([
    [
      'a budget that is spent',
      { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1 },
      {},
      undefined,
      'The disruption budget b needs 1 healthy pods and has 1 currently',
    ],
    [
      'a budget that nobody has looked at yet',
      { observedGeneration: 0 },
      {},
      10,
      'The disruption budget b is still being processed by the server.',
    ],
    [
      'a budget that cannot be computed',
      {
        observedGeneration: 1,
        conditions: [
          {
            type: 'DisruptionAllowed',
            status: 'False',
            reason: 'SyncFailed',
            message: 'no scale',
            lastTransitionTime: '2024-01-01T00:00:00Z',
          },
        ],
      },
      {},
      undefined,
      'The disruption budget b does not allow evicting pods currently because it failed sync: no scale',
    ],
  ])('is refused by %s', async (_name, status, spec, retryAfter, cause) => {
    await running();
    await budget(status, spec);
    const answer = await evict();
    expect([answer.status, answer.json]).toMatchObject([
      429,
      {
        reason: 'TooManyRequests',
        message: MESSAGE,
        details: { causes: [{ reason: 'DisruptionBudget', message: cause }] },
      },
    ]);
    expect((answer.json['details'] as Json).retryAfterSeconds).toBe(retryAfter);
    expect((await podOf()).metadata.deletionTimestamp).toBeUndefined();
  });

  it('refuses a dry run of another kind than the one asked for', async () => {
    await createPod();
    const answer = await evict({ deleteOptions: { dryRun: ['Most'] } }, '?dryRun=All');
    expect([answer.status, answer.json['message']]).toEqual([
      500,
      'Non-matching dry-run options in request and content: [All] and [Most]',
    ]);
  });

  it('answers with a failure when several budgets select the pod', async () => {
    await running();
    await budget({ observedGeneration: 1 });
    await server.call('POST', BUDGETS, {
      metadata: { name: 'c' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } },
    });
    const answer = await evict();
    expect([answer.status, answer.json]).toMatchObject([201, { status: 'Failure', code: 500 }]);
    expect((await podOf()).metadata.deletionTimestamp).toBeUndefined();
  });

  it.each([
    ['an unready pod where the budget always allows it', { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, 0],
    ['an unready pod while enough others are healthy', {}, 1],
  ])('takes %s without spending', async (_name, spec, healthy) => {
    await running('False');
    await budget({ observedGeneration: 1, currentHealthy: healthy, desiredHealthy: 1 }, spec);
    expect((await evict()).status).toBe(201);
    expect((await podOf()).metadata.deletionTimestamp).toBeDefined();
  });

  it('takes a pending pod whatever budgets say', async () => {
    await createPod();
    await budget({ observedGeneration: 1 });
    expect((await evict()).status).toBe(201);
    expect((await server.call('GET', `${PODS}/p`)).status).toBe(404);
  });

  it('heeds preconditions', async () => {
    await createPod();
    const wrong = await evict({ deleteOptions: { preconditions: { uid: 'x' } } });
    const { uid } = (await podOf()).metadata;
    expect([wrong.status, wrong.json]).toMatchObject([
      409,
      {
        message: `Operation cannot be fulfilled on Pod "p": the UID in the precondition (x) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
        details: { name: 'p', kind: 'Pod' },
      },
    ]);
    expect((await evict({ deleteOptions: { preconditions: { uid } } })).status).toBe(201);
  });

  it.each([
    ['no name', { metadata: {} }],
    ['another name', { metadata: { name: 'q' } }],
  ])('refuses %s', async (_name, body) => {
    await createPod();
    expect(refusal(await evict(body))).toEqual([400, 'name in URL does not match name in Eviction object']);
  });
});

describe('resize', () => {
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m' } };
  const resize = (change: object): Promise<Answer> =>
    server.call(
      'PATCH',
      `${PODS}/p/resize`,
      { spec: { containers: [{ name: 'main', ...change }] } },
      STRATEGIC,
    );

  beforeEach(() => createPod('p', { resources }));

  it('changes what containers may use and nothing else', async () => {
    const answer = await server.call(
      'PATCH',
      `${PODS}/p/resize`,
      {
        metadata: { labels: { app: 'b' } },
        spec: { containers: [{ name: 'main', image: 'other', resources: { requests: { cpu: '150m' } } }] },
      },
      STRATEGIC,
    );
    expect([answer.status, answer.json]).toMatchObject([
      200,
      {
        metadata: { labels: { app: 'a' }, generation: 2 },
        spec: {
          containers: [
            {
              image: 'nginx',
              resources: { requests: { cpu: '150m', memory: '64Mi' }, limits: { cpu: '200m' } },
            },
          ],
        },
      },
    ]);
  });

  it('is the only way to change them', async () => {
    const answer = await server.call(
      'PATCH',
      `${PODS}/p`,
      { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '150m' } } }] } },
      STRATEGIC,
    );
    expect(answer.status).toBe(422);
  });

  it.each<[string, object, string]>([
    [
      'taking a request away',
      { resources: { requests: { memory: null } } },
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    ],
    [
      'what is neither cpu nor memory',
      { resources: { requests: { 'ephemeral-storage': '1Gi' } } },
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      'another quality of service',
      { resources: { requests: { cpu: '200m', memory: '64Mi' }, limits: { memory: '64Mi' } } },
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
  ])('refuses %s', async (_name, change, message) => {
    const answer = await resize(change);
    expect(answer.json['message']).toContain(message);
    expect(answer.status).toBe(422);
  });

  it('refuses more containers', async () => {
    const pod = await podOf();
    pod.spec.containers.push({ name: 'more', image: 'nginx' });
    const answer = await server.call('PUT', `${PODS}/p/resize`, pod);
    expect(answer.json['message']).toContain(
      'spec.containers: Forbidden: containers may not be added or removed on resize',
    );
  });

  it('refuses a pod on a node that does not tell what containers have', async () => {
    await setStatus({
      phase: 'Running',
      containerStatuses: [
        { name: 'main', image: '', imageID: '', ready: true, restartCount: 0, state: { running: {} } },
      ],
    });
    const answer = await resize({ resources: { requests: { cpu: '150m' } } });
    expect(answer.json['message']).toContain(
      'spec: Forbidden: Pod running on node without support for resize',
    );
  });
});

describe('ephemeral containers', () => {
  const add = (container: object, type = STRATEGIC): Promise<Answer> =>
    server.call(
      'PATCH',
      `${PODS}/p/ephemeralcontainers`,
      { spec: { ephemeralContainers: [container] } },
      type,
    );
  const debug = { name: 'debug', image: 'busybox', targetContainerName: 'main', stdin: true, tty: true };

  beforeEach(() => createPod());

  it('are added with defaults, and count as a change of the spec', async () => {
    const answer = await add(debug);
    expect([answer.status, answer.json]).toMatchObject([
      200,
      {
        metadata: { generation: 2 },
        spec: {
          ephemeralContainers: [
            { name: 'debug', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' },
          ],
        },
      },
    ]);
    const read = await server.call('GET', `${PODS}/p/ephemeralcontainers`);
    expect(read.json).toEqual(answer.json);
  });

  it('leave everything else of the pod alone', async () => {
    const pod = await podOf();
    pod.metadata.labels.app = 'b';
    pod.spec.containers[0].image = 'other';
    pod.spec.ephemeralContainers = [debug];
    const answer = await server.call('PUT', `${PODS}/p/ephemeralcontainers`, pod);
    expect(answer.json).toMatchObject({
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ image: 'nginx' }], ephemeralContainers: [{ name: 'debug' }] },
    });
  });

  it.each<[string, object, string]>([
    [
      'ports',
      { ports: [{ containerPort: 80 }] },
      'ports: Forbidden: cannot be set for an Ephemeral Container',
    ],
    [
      'resources',
      { resources: { limits: { cpu: '1' } } },
      'resources: Forbidden: cannot be set for an Ephemeral Container',
    ],
    ['a probe', { livenessProbe: { exec: { command: ['x'] } } }, 'livenessProbe: Forbidden: cannot be set'],
    ['an unknown target', { targetContainerName: 'x' }, 'targetContainerName: Not found: "x"'],
    ['the name of a container', { name: 'main', targetContainerName: '' }, 'name: Duplicate value: "main"'],
  ])('refuse %s', async (_name, change, message) => {
    const answer = await add({ ...debug, ...change });
    expect(answer.json['message']).toContain(`spec.ephemeralContainers[0].${message}`);
    expect(answer.status).toBe(422);
  });

  it('stay as they are', async () => {
    await add(debug);
    const pod = await podOf();
    const [container] = pod.spec.ephemeralContainers;
    const put = (containers: object[]): Promise<Answer> =>
      server.call('PUT', `${PODS}/p/ephemeralcontainers`, {
        ...pod,
        spec: { ...pod.spec, ephemeralContainers: containers },
      });
    expect((await put([])).json['message']).toContain(
      'existing ephemeral containers "debug" may not be removed',
    );
    expect((await put([{ ...container, image: 'x' }])).json['message']).toContain(
      'existing ephemeral containers "debug" may not be changed',
    );
  });

  it('cannot be added by an ordinary update', async () => {
    const pod = await podOf();
    pod.spec.ephemeralContainers = [debug];
    expect((await server.call('PUT', `${PODS}/p`, pod)).status).toBe(422);
  });
});

describe('a body', () => {
  it('of another kind is refused', async () => {
    await createPod();
    const answer = await server.call('POST', `${PODS}/p/eviction`, { kind: 'Pod', apiVersion: 'v1' } as Body);
    expect(refusal(answer)).toEqual([
      400,
      'Pod in version "v1" cannot be handled as a Eviction: converting (v1.Pod) to (policy.Eviction): unknown conversion',
    ]);
  });
});
