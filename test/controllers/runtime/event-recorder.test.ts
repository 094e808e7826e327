import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../api/machinery/client.ts';
import { createLogger } from '../../../api/machinery/logger.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import { SeededRandom } from '../../../api/machinery/random.ts';
import { TaskTracker } from '../../../api/machinery/tasks.ts';
import type { EventRecorder } from '../../../controllers/runtime/controller.ts';
import { createRecorder } from '../../../controllers/runtime/event-recorder.ts';
import { events, namespaces, type Event } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

let harness: Harness;
let tasks: TaskTracker;
let logs: string[];

beforeEach(async () => {
  harness = await startHarness([]);
  tasks = new TaskTracker();
  logs = [];
});
afterEach(() => harness.stop());

function newRecorder(component = 'test-controller', host?: string): EventRecorder {
  const { client, clock } = harness;
  const logger = createLogger({ level: 'warn', write: (line) => logs.push(line), now: () => clock.now() });
  return createRecorder({
    client: client.as(component),
    clock,
    random: new SeededRandom(component),
    tasks,
    logger,
    component,
    host,
  });
}

function pod(name: string, resourceVersion = '1'): KubeObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `uid of ${name}`, resourceVersion },
  };
}

/** All events, in the order they were made. */
async function recorded(namespace = 'default'): Promise<Event[]> {
  await tasks.idle();
  const { items } = await harness.client.list(events, { namespace });
  return [...items].sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
}

const summary = ({ message, count }: Event): string => `${message} ${count}`;

describe('an event', () => {
  it('says what happened to what, when, and who says so', async () => {
    newRecorder('test-controller', 'node-1').event(pod('web', '42'), 'Warning', 'BackOff', 'Back-off', {
      fieldPath: 'spec.containers{main}',
    });
    const [event, ...more] = await recorded();
    expect(more).toEqual([]);
    expect(event!.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
    expect(event).toMatchObject({
      metadata: { namespace: 'default' },
      involvedObject: {
        kind: 'Pod',
        namespace: 'default',
        name: 'web',
        uid: 'uid of web',
        apiVersion: 'v1',
        resourceVersion: '42',
        fieldPath: 'spec.containers{main}',
      },
      reason: 'BackOff',
      message: 'Back-off',
      source: { component: 'test-controller', host: 'node-1' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
      type: 'Warning',
      reportingComponent: 'test-controller',
      reportingInstance: 'node-1',
    });
  });

  it('of one instant have names that sort as they were recorded', async () => {
    const reasons = ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started'];
    const recorders = reasons.map((_, index) => newRecorder(`component-${index % 2}`));
    for (const [index, reason] of reasons.entries())
      recorders[index]!.event(pod('web'), 'Normal', reason, reason);
    expect((await recorded()).map(({ reason }) => reason)).toEqual(reasons);
  });

  it('about an object without a namespace is in the default one', async () => {
    newRecorder().event(
      { kind: 'PersistentVolume', apiVersion: 'v1', metadata: { name: 'disk', uid: 'u' } },
      'Normal',
      'Bound',
      'Bound',
    );
    const [event] = await recorded();
    expect(event!.metadata.namespace).toBe('default');
    expect(event!.involvedObject.namespace).toBeUndefined();
  });

  it.each([
    { component: 'kubelet', uid: 'node-1' },
    { component: 'node-controller', uid: 'real' },
  ])('of the $component about a node names it by uid $uid', async ({ component, uid }) => {
    newRecorder(component).event(
      { kind: 'Node', apiVersion: 'v1', metadata: { name: 'node-1', uid: 'real' } },
      'Normal',
      'Test',
      'Test',
    );
    expect((await recorded())[0]!.involvedObject.uid).toBe(uid);
  });

  it('of an object whose name is no event name gets a UUID', async () => {
    newRecorder().event(
      {
        kind: 'ClusterRole',
        apiVersion: 'rbac.authorization.k8s.io/v1',
        metadata: { name: 'system:view', uid: 'u' },
      },
      'Normal',
      'Test',
      'Test',
    );
    expect((await recorded())[0]!.metadata.name).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });
});

describe('an equal event', () => {
  it('counts up the first one, at whatever version the object is', async () => {
    const recorder = newRecorder();
    recorder.event(pod('web', '1'), 'Normal', 'Test', 'same');
    recorder.event(pod('web', '1'), 'Normal', 'Test', 'same');
    await harness.clock.advance(5000);
    recorder.event(pod('web', '7'), 'Normal', 'Test', 'same');
    const [event, ...more] = await recorded();
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      count: 3,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
    });
    expect(event!.involvedObject.resourceVersion).toBe('1');
  });

  it.each([
    {
      name: 'type',
      other: (recorder: EventRecorder) => recorder.event(pod('web'), 'Warning', 'Test', 'text'),
    },
    {
      name: 'reason',
      other: (recorder: EventRecorder) => recorder.event(pod('web'), 'Normal', 'Other', 'text'),
    },
    {
      name: 'message',
      other: (recorder: EventRecorder) => recorder.event(pod('web'), 'Normal', 'Test', 'other'),
    },
    {
      name: 'object',
      other: (recorder: EventRecorder) => recorder.event(pod('other'), 'Normal', 'Test', 'text'),
    },
    {
      name: 'container',
      other: (recorder: EventRecorder) =>
        recorder.event(pod('web'), 'Normal', 'Test', 'text', { fieldPath: 'spec' }),
    },
    { name: 'source', other: () => newRecorder('another').event(pod('web'), 'Normal', 'Test', 'text') },
  ])('is not one of another $name', async ({ other }) => {
    const recorder = newRecorder();
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    other(recorder);
    expect((await recorded()).map(({ count }) => count)).toEqual([1, 1]);
  });

  it('is made again under its name, its count as it was, when somebody deleted it', async () => {
    const recorder = newRecorder();
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    const [first] = await recorded();
    await harness.client.delete(events, { namespace: 'default', name: first!.metadata.name! });
    await harness.clock.advance(1000);
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    const [second] = await recorded();
    expect(second).toMatchObject({
      metadata: { name: first!.metadata.name },
      count: 2,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:01Z',
    });
  });
});

describe('similar events', () => {
  it('are combined from the tenth message on', async () => {
    const recorder = newRecorder();
    for (let i = 1; i <= 12; i++) recorder.event(pod('web'), 'Normal', 'Test', `message ${i}`);
    recorder.event(pod('web'), 'Normal', 'Test', 'message 3');
    expect((await recorded()).map(summary)).toEqual([
      'message 1 1',
      'message 2 1',
      ...[4, 5, 6, 7, 8, 9].map((i) => `message ${i} 1`),
      '(combined from similar events): message 12 3',
      'message 3 2',
    ]);
  });

  it('say who made them only in their source once combined', async () => {
    const recorder = newRecorder();
    for (let i = 1; i <= 10; i++) recorder.event(pod('web'), 'Normal', 'Test', `message ${i}`);
    const made = await recorded();
    expect(made.map(({ reportingComponent }) => reportingComponent)).toEqual([
      ...Array.from({ length: 9 }, () => 'test-controller'),
      '',
    ]);
    expect(made.at(-1)!.source).toEqual({ component: 'test-controller' });
  });

  it('are told apart again when none came for ten minutes', async () => {
    const recorder = newRecorder();
    for (let i = 1; i <= 9; i++) recorder.event(pod('web'), 'Normal', 'Test', `message ${i}`);
    await harness.clock.advance(600_001);
    recorder.event(pod('web'), 'Normal', 'Test', 'message 10');
    expect((await recorded()).at(-1)!.message).toBe('message 10');
  });

  it('of another reason are not combined', async () => {
    const recorder = newRecorder();
    for (let i = 1; i <= 9; i++) recorder.event(pod('web'), 'Normal', 'Test', `message ${i}`);
    recorder.event(pod('web'), 'Normal', 'Other', 'message 10');
    expect((await recorded()).at(-1)!.message).toBe('message 10');
  });
});

describe('too many events', () => {
  it('about one object are dropped after 25, though counted; about others they are not', async () => {
    const recorder = newRecorder();
    for (let i = 0; i < 30; i++) recorder.event(pod('web'), 'Normal', 'Test', 'text');
    recorder.event(pod('other'), 'Normal', 'Test', 'text');
    expect((await recorded()).map(({ involvedObject, count }) => [involvedObject.name, count])).toEqual([
      ['web', 25],
      ['other', 1],
    ]);
    await harness.clock.advance(299_000);
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    expect((await recorded()).map(({ count }) => count)).toEqual([25, 1]);
    await harness.clock.advance(1_000);
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    expect((await recorded()).map(({ count }) => count)).toEqual([1, 32]);
  });

  it('of one type leave room for those of the other', async () => {
    const recorder = newRecorder();
    for (let i = 0; i < 30; i++) recorder.event(pod('web'), 'Warning', 'Test', 'text');
    recorder.event(pod('web'), 'Normal', 'Test', 'better');
    expect((await recorded()).map(summary)).toEqual(['text 25', 'better 1']);
  });
});

describe('writing', () => {
  it('keeps the order and keeps the tracker busy', async () => {
    const recorder = newRecorder();
    for (let i = 0; i < 9; i++) recorder.event(pod(`web-${i}`), 'Normal', 'Test', 'text');
    expect(tasks.busy()).toEqual(['events of test-controller (9)']);
    expect((await recorded()).map(({ involvedObject }) => involvedObject.name)).toEqual(
      Array.from({ length: 9 }, (_, i) => `web-${i}`),
    );
  });

  it('goes on after a failure, which is logged', async () => {
    const { client, clock } = harness;
    const failing = {
      create: (resource: typeof events, event: Event) =>
        event.reason === 'Broken' ? Promise.reject(new Error('no space')) : client.create(resource, event),
    } as unknown as Client;
    const logger = createLogger({ level: 'warn', write: (line) => logs.push(line), now: () => clock.now() });
    const recorder = createRecorder({
      client: failing,
      clock,
      random: new SeededRandom(1),
      tasks,
      logger,
      component: 'test',
    });
    recorder.event(pod('web'), 'Normal', 'Broken', 'text');
    recorder.event(pod('web'), 'Normal', 'Test', 'text');
    expect((await recorded()).map(({ reason }) => reason)).toEqual(['Test']);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toContain('event not recorded component=test reason=Broken error="Error: no space');
  });

  it('to a namespace that is going is given up quietly', async () => {
    await harness.client.create(namespaces, {
      metadata: { name: 'going' },
      spec: { finalizers: ['kubernetes'] },
    });
    await harness.client.delete(namespaces, { name: 'going' });
    newRecorder().event(
      { kind: 'Pod', metadata: { name: 'web', namespace: 'going', uid: 'u' } },
      'Normal',
      'Test',
      'text',
    );
    expect(await recorded('going')).toEqual([]);
    expect(logs).toEqual([]);
  });
});
