import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { TaskTracker } from '../../../api/machinery/tasks.ts';
import { compactNow } from '../../../server/compaction.ts';
import { ClusterClock } from '../../../server/control/cluster-clock.ts';
import { createControlSurface } from '../../../server/control/control-surface.ts';
import { waitUntilSettled } from '../../../server/control/settled.ts';
import { WriteJournal } from '../../../server/control/write-journal.ts';
import { newTestServer, VIEWER_TOKEN, type TestServer } from '../fixtures/server.ts';

let server: TestServer;
let tasks: TaskTracker;
let clock: VirtualClock;
let wall: VirtualClock;
let held: (() => void)[];

beforeEach(async () => {
  tasks = new TaskTracker();
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  wall = new VirtualClock();
  held = [];
  const control = new ClusterClock({ clock, virtual: clock, wall, settle: () => tasks.idle() });
  const journal = new WriteJournal();
  server = await newTestServer({
    control: createControlSurface({
      clock: control,
      settled: (options) =>
        waitUntilSettled({ clock, control, wall, tasks, journal, revision: () => 42 }, options),
      compact: () => compactNow(server.store),
    }),
    tasks,
  });
});
afterEach(() => {
  for (const release of held) release();
});

describe('POST /_kubemu/settled', () => {
  it('answers with the revision and the time', async () => {
    const answer = await server.call('POST', '/_kubemu/settled');
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      settled: true,
      resourceVersion: '42',
      now: '2026-01-01T00:00:00.000000Z',
    });
  });

  it('moves a clock that stands still to timers within the horizon', async () => {
    clock.schedule(4000, () => {});
    const answer = await server.call('POST', '/_kubemu/settled', { horizon: '5s' });
    expect(answer.json['now']).toBe('2026-01-01T00:00:04.000000Z');
  });

  it('answers 504 and names who is busy when time runs out', async () => {
    held.push(tasks.hold('queue deployment'), tasks.hold('queue deployment'));
    const pending = server.call('POST', '/_kubemu/settled', { timeout: '2s' });
    while (wall.nextDue() === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    wall.runNext();
    const answer = await pending;
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({
      kind: 'Status',
      reason: 'Timeout',
      message: 'the cluster did not settle within 2000 ms: queue deployment (2)',
      details: { causes: [{ reason: 'Busy', message: 'queue deployment (2)' }] },
    });
  });
});

describe('/_kubemu/clock', () => {
  it('tells the state and the next timer', async () => {
    clock.schedule(90_000, () => {}, { name: 'queue job (default/x)' });
    const answer = await server.call('GET', '/_kubemu/clock');
    expect(answer.json).toEqual({
      type: 'virtual',
      state: 'paused',
      rate: 0,
      now: '2026-01-01T00:00:00.000000Z',
      nextTimer: { due: '2026-01-01T00:01:30.000000Z', name: 'queue job (default/x)' },
    });
  });

  it('steps, advances, runs and pauses', async () => {
    clock.schedule(90_000, () => {});
    const post = async (body: object) => (await server.call('POST', '/_kubemu/clock', body)).json;
    expect(await post({ action: 'step', duration: '1m' })).toMatchObject({
      now: '2026-01-01T00:01:00.000000Z',
    });
    expect(await post({ action: 'advance' })).toMatchObject({ now: '2026-01-01T00:01:30.000000Z' });
    expect(await post({ action: 'run', rate: 60 })).toMatchObject({ state: 'running', rate: 60 });
    expect(await post({ action: 'pause' })).toMatchObject({ state: 'paused', rate: 0 });
  });
});

describe('the control surface refuses', () => {
  it.each([
    {
      name: 'an unknown action',
      path: 'clock',
      body: { action: 'jump' },
      code: 400,
      message: /^action: must be one of pause, advance, step, run$/,
    },
    {
      name: 'a step without its length',
      path: 'clock',
      body: { action: 'step' },
      code: 400,
      message: /^duration: Required value$/,
    },
    {
      name: 'a duration that is none',
      path: 'clock',
      body: { action: 'step', duration: '5' },
      code: 400,
      message: /^duration: must be a duration such as "90s"$/,
    },
    {
      name: 'a rate that stands still',
      path: 'clock',
      body: { action: 'run', rate: 0 },
      code: 400,
      message: /^rate must be a positive number$/,
    },
    {
      name: 'an unknown field',
      path: 'settled',
      body: { horizont: '1s' },
      code: 400,
      message: /^unknown field "horizont"; known are horizon, timeout$/,
    },
    { name: 'a list', path: 'settled', body: [], code: 400, message: /^the body must be a JSON object$/ },
    { name: 'what is no JSON', path: 'settled', body: '{', code: 400, message: /^the body is no JSON/ },
  ])('$name', async ({ path, body, code, message }) => {
    const answer = await server.call('POST', `/_kubemu/${path}`, body);
    expect(answer.status).toBe(code);
    expect(answer.json['message']).toMatch(message);
  });

  it('other methods, other paths and other users', async () => {
    expect((await server.call('GET', '/_kubemu/settled')).status).toBe(405);
    expect((await server.call('DELETE', '/_kubemu/clock')).status).toBe(405);
    expect((await server.call('POST', '/_kubemu/nothing')).status).toBe(404);
    const headers = { authorization: `Bearer ${VIEWER_TOKEN}` };
    expect((await server.call('POST', '/_kubemu/settled', undefined, headers)).status).toBe(403);
  });
});

it('a request under way keeps the cluster from being settled', async () => {
  let seen: string[] = [];
  clock.schedule(0, () => (seen = tasks.busy()));
  const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } };
  const request = server.call('POST', '/api/v1/namespaces/default/configmaps', body);
  while (tasks.busy().length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  clock.runNext();
  await request;
  expect(seen).toEqual(['request create /api/v1/namespaces/default/configmaps']);
  expect(tasks.busy()).toEqual([]);
});

describe('POST /_kubemu/compact', () => {
  it('forgets what was, so that it can no longer be watched from', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const created = await server.call('POST', path, {
      kind: 'ConfigMap',
      metadata: { name: 'a' },
      apiVersion: 'v1',
    });
    const { resourceVersion } = created.json['metadata'] as { resourceVersion: string };
    await server.call('PUT', `${path}/a`, { ...created.json, data: { a: '1' } });
    const answer = await server.call('POST', '/_kubemu/compact');
    expect(answer.json).toEqual({ compacted: true, resourceVersion: String(server.store.revision) });
    const list = await server.call(
      'GET',
      `${path}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`,
    );
    expect([list.status, list.json['reason']]).toEqual([410, 'Expired']);
  });

  it('takes no options', async () => {
    const answer = await server.call('POST', '/_kubemu/compact', { to: '7' });
    expect([answer.status, answer.json['message']]).toEqual([400, 'unknown field "to"; known are none']);
  });
});
