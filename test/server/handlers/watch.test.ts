import { beforeEach, describe, expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { newExpired } from '../../../api/machinery/errors.ts';
import { decodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../../api/machinery/protobuf/decode.ts';
import { WireReader } from '../../../api/machinery/protobuf/wire-reader.ts';
import type { RegistryWatchListener, ResourceRegistry } from '../../../server/registry/interface.ts';
import { configMap, deployment, frameReader, newTestServer, type TestServer } from '../fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

let server: TestServer;
beforeEach(async () => {
  server = await newTestServer();
});

const create = (name: string) => server.call('POST', MAPS, configMap(name));

async function currentVersion(): Promise<string> {
  const { json } = await server.call('GET', MAPS);
  return (json['metadata'] as { resourceVersion: string }).resourceVersion;
}

/** Reads everything up to the end. */
const drain = async (response: Response): Promise<string> =>
  Buffer.from(await response.arrayBuffer()).toString('utf8');
const framesOf = (text: string): { type: string; object: { metadata: Record<string, never> } }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('a watch', () => {
  it('tells changes behind a version in order', async () => {
    await create('old');
    const response = await server.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    const frames = frameReader(response);
    await create('new');
    await server.call(
      'PATCH',
      `${MAPS}/new`,
      { data: { b: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await server.call('DELETE', `${MAPS}/new`);
    expect(await frames.next()).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'new' }, data: { a: '1' } },
    });
    expect(await frames.next()).toMatchObject({ type: 'MODIFIED', object: { data: { a: '1', b: '2' } } });
    expect(await frames.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'new' } } });
    await frames.end();
  });

  it.each([
    ['without a version', '', true],
    ['from version 0', '&resourceVersion=0', true],
    ['without bookmarks', '&resourceVersion=0', false],
    ['asking for them', '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', true],
  ])('begins with the state %s', async (_name, query, bookmarks) => {
    await create('a');
    await create('b');
    const response = await server.fetch(
      `${MAPS}?watch=1${query}${bookmarks ? '&allowWatchBookmarks=true' : ''}`,
    );
    const frames = frameReader(response);
    expect(await frames.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    expect(await frames.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    if (bookmarks) {
      expect(await frames.next()).toEqual({
        type: 'BOOKMARK',
        object: {
          kind: 'ConfigMap',
          apiVersion: 'v1',
          metadata: {
            resourceVersion: await currentVersion(),
            annotations: { 'k8s.io/initial-events-end': 'true' },
          },
        },
      });
    }
    await create('c');
    expect(await frames.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
    await frames.end();
  });

  it.each([
    ['by the deprecated prefix', '/api/v1/watch/namespaces/default/configmaps'],
    ['of one name by the deprecated prefix', '/api/v1/watch/namespaces/default/configmaps/x'],
    ['of one name', `${MAPS}?watch=1&fieldSelector=metadata.name%3Dx`],
    ['of all namespaces', '/api/v1/configmaps?watch=1'],
  ])('is opened %s', async (_name, path) => {
    const frames = frameReader(
      await server.fetch(`${path}${path.includes('?') ? '&' : '?'}resourceVersion=${await currentVersion()}`),
    );
    if (path.includes('x')) await create('w');
    await create('x');
    expect(await frames.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'x' } } });
    await frames.end();
  });

  it.each([
    ['a match without initial events', 'resourceVersionMatch=NotOlderThan', 422],
    ['initial events without a match', 'sendInitialEvents=true', 422],
    ['a bad version', 'resourceVersion=x', 400],
    ['a bad selector', 'labelSelector=%21%21', 400],
    ['a time that is no number', 'timeoutSeconds=x', 400],
  ])('with %s is refused before it begins', async (_name, query, status) => {
    const answer = await server.call('GET', `${MAPS}?watch=1&${query}`);
    expect([answer.status, answer.json]).toMatchObject([status, { kind: 'Status', status: 'Failure' }]);
  });

  it('from a version that is gone ends with an error frame', async () => {
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.watch = () => Promise.reject(newExpired('too old resource version: 1 (5)'));
    const other = await newTestServer({ registry });
    const response = await other.fetch(`${MAPS}?watch=1&resourceVersion=1`);
    expect(response.status).toBe(200);
    expect(framesOf(await drain(response))).toEqual([
      {
        type: 'ERROR',
        object: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          message: 'too old resource version: 1 (5)',
          reason: 'Expired',
          code: 410,
        },
      },
    ]);
    expect(other.clock.nextDue()).toBeUndefined();
  });

  it('that breaks later tells what was due, then the error', async () => {
    let listener!: RegistryWatchListener;
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.watch = async (context, target, scope, options, given) => {
      listener = given;
      return server.registry.watch(context, target, scope, options, given);
    };
    const other = await newTestServer({ registry });
    const response = await other.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`);
    await create('last');
    listener.ended(newExpired('gone'));
    expect(framesOf(await drain(response)).map(({ type }) => type)).toEqual(['ADDED', 'ERROR']);
  });

  it('answers HEAD with 405', async () => {
    expect((await server.call('HEAD', `${MAPS}?watch=1`)).status).toBe(405);
  });
});

describe('time', () => {
  it('ends a watch as asked, with a bookmark before', async () => {
    const response = await server.fetch(
      `${MAPS}?watch=1&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion=${await currentVersion()}`,
    );
    const text = drain(response);
    await server.clock.advance(5000);
    expect(framesOf(await text)).toEqual([
      {
        type: 'BOOKMARK',
        object: {
          kind: 'ConfigMap',
          apiVersion: 'v1',
          metadata: { resourceVersion: await currentVersion() },
        },
      },
    ]);
    expect(server.clock.nextDue()).toBeUndefined();
  });

  it('ends a watch without bookmarks quietly', async () => {
    const text = drain(
      await server.fetch(`${MAPS}?watch=1&timeoutSeconds=5&resourceVersion=${await currentVersion()}`),
    );
    await server.clock.advance(5000);
    expect(await text).toBe('');
  });

  it('ends every watch within an hour, but not before half of one', async () => {
    const start = server.clock.now();
    const text = drain(await server.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`));
    const due = server.clock.nextDue()! - start;
    expect(due).toBeGreaterThanOrEqual(30 * 60_000);
    expect(due).toBeLessThan(60 * 60_000);
    await server.clock.advance(60 * 60_000);
    expect(await text).toBe('');
  });

  it('brings a bookmark about every minute, with the version seen so far', async () => {
    const frames = frameReader(
      await server.fetch(`${MAPS}?watch=1&allowWatchBookmarks=1&resourceVersion=${await currentVersion()}`),
    );
    for (let minute = 0; minute < 3; minute++) {
      await server.call('POST', '/api/v1/namespaces/other/configmaps', configMap(`m${minute}`));
      await server.clock.advance(60_000);
      expect(await frames.next()).toMatchObject({
        type: 'BOOKMARK',
        object: { metadata: { resourceVersion: await currentVersion() } },
      });
    }
    await frames.end();
    expect(server.clock.nextDue()).toBeUndefined();
  });
});

describe('forms', () => {
  it('tables name their columns once', async () => {
    const frames = frameReader(
      await server.fetch(`${MAPS}?watch=1&allowWatchBookmarks=1`, { accept: TABLE }),
    );
    expect(await frames.next()).toMatchObject({
      type: 'BOOKMARK',
      object: {
        kind: 'Table',
        columnDefinitions: [{}, {}, {}],
        rows: [
          {
            object: {
              kind: 'PartialObjectMetadata',
              metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
            },
          },
        ],
      },
    });
    await create('row');
    expect(await frames.next()).toMatchObject({
      type: 'ADDED',
      object: {
        kind: 'Table',
        apiVersion: 'meta.k8s.io/v1',
        columnDefinitions: null,
        rows: [{ cells: ['row', 1, '0s'], object: { metadata: { name: 'row' } } }],
      },
    });
    await frames.end();
  });

  it('tables of kinds whose printers need whole objects have bookmarks too', async () => {
    const path = '/apis/apps/v1/namespaces/default/deployments';
    const frames = frameReader(
      await server.fetch(`${path}?watch=1&allowWatchBookmarks=1`, { accept: TABLE }),
    );
    expect(await frames.next()).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Table' } });
    await server.call('POST', path, deployment('web'));
    expect(await frames.next()).toMatchObject({
      type: 'ADDED',
      object: { rows: [{ object: { metadata: { name: 'web' } } }] },
    });
    await frames.end();
  });

  it('metadata comes alone', async () => {
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
    const frames = frameReader(await server.fetch(`${MAPS}?watch=1`, { accept }));
    await create('alone');
    expect(await frames.next()).toEqual({
      type: 'ADDED',
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: expect.objectContaining({ name: 'alone' }),
      },
    });
    await frames.end();
  });

  it.each([PROTOBUF, `${PROTOBUF};stream=watch`])('protobuf is framed by length for %s', async (accept) => {
    await create('binary');
    const response = await server.fetch(`${MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=1`, { accept });
    expect(response.headers.get('content-type')).toBe(`${PROTOBUF};stream=watch`);
    const bytes = response.arrayBuffer();
    await server.clock.advance(1000);
    const events = readBinaryFrames(Buffer.from(await bytes));
    const schema = builtInSchema('io.k8s.api.core.v1.ConfigMap');
    expect(
      events.map(({ type, kind, raw }) => ({ type, kind, object: decodeProtobuf(schema, raw) })),
    ).toMatchObject([
      { type: 'ADDED', kind: 'ConfigMap', object: { metadata: { name: 'binary' }, data: { a: '1' } } },
      {
        type: 'BOOKMARK',
        kind: 'ConfigMap',
        object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
      },
    ]);
  });

  it('YAML does not come as a stream', async () => {
    const answer = await server.call('GET', `${MAPS}?watch=1`, undefined, { accept: 'application/yaml' });
    expect(answer.status).toBe(406);
    expect(answer.text).toContain(
      `only the following media types are accepted: application/json;stream=watch, ${PROTOBUF};stream=watch`,
    );
  });
});

function readBinaryFrames(bytes: Buffer): { type: string; kind: string; raw: Uint8Array }[] {
  const events = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const event = new WireReader(bytes.subarray(at + 4, at + 4 + length), 'WatchEvent');
    let type = '';
    let object: Uint8Array = new Uint8Array();
    while (event.next()) {
      if (event.number === 1) type = event.string();
      else if (event.number === 2) {
        const extension = new WireReader(event.bytes(), 'RawExtension');
        while (extension.next()) if (extension.number === 1) object = extension.bytes();
      }
    }
    const { kind, raw } = decodeEnvelope(object);
    events.push({ type, kind, raw });
    at += 4 + length;
  }
  return events;
}

describe('ends', () => {
  /** A server whose registry tells when a watch was cancelled. */
  async function spied(): Promise<{
    other: TestServer;
    cancelled: () => number;
    listener: () => RegistryWatchListener;
  }> {
    let count = 0;
    let seen: RegistryWatchListener | undefined;
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.watch = async (context, target, scope, options, listener) => {
      seen = listener;
      const watch = await server.registry.watch(context, target, scope, options, listener);
      return { revision: watch.revision, cancel: () => (watch.cancel(), void count++) };
    };
    return { other: await newTestServer({ registry }), cancelled: () => count, listener: () => seen! };
  }

  it('cancels the registry watch when the reader leaves', async () => {
    const { other, cancelled } = await spied();
    const response = await other.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`);
    await response.body!.cancel();
    expect(cancelled()).toBe(1);
    expect(other.clock.nextDue()).toBeUndefined();
  });

  it('cancels it when the connection is lost', async () => {
    const { other, cancelled } = await spied();
    const client = new AbortController();
    await other.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`, {}, {}, client.signal);
    client.abort();
    expect(cancelled()).toBe(1);
  });

  it('ends cleanly when the server closes, behind what was due', async () => {
    const { other, cancelled } = await spied();
    const closing = new AbortController();
    const response = await other.fetch(
      `${MAPS}?watch=1&resourceVersion=${await currentVersion()}`,
      {},
      { closing: closing.signal },
    );
    await create('last');
    closing.abort();
    expect(framesOf(await drain(response))).toMatchObject([
      { type: 'ADDED', object: { metadata: { name: 'last' } } },
    ]);
    expect(cancelled()).toBe(1);
    const late = await other.fetch(
      `${MAPS}?watch=1&resourceVersion=${await currentVersion()}`,
      {},
      { closing: closing.signal },
    );
    expect(await drain(late)).toBe('');
  });

  it('cuts off a client that does not read, and tells the log', async () => {
    const { other, cancelled, listener } = await spied();
    const response = await other.fetch(`${MAPS}?watch=1&resourceVersion=${await currentVersion()}`);
    const object = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'big', resourceVersion: '9' },
      data: {},
    };
    const bytes = Buffer.from(JSON.stringify({ ...object, data: { x: 'x'.repeat(1024 * 1024) } }));
    for (let count = 0; count < 16; count++)
      listener().events([{ type: 'ADDED', result: { object, bytes, revision: 9 } }]);
    expect(cancelled()).toBe(1);
    expect(await drain(response)).toBe('');
    expect(other.logs.join('\n')).toContain('WARN  watch ended: the client reads too slowly');
  });

  it('does not count a long initial state against the client', async () => {
    const { other, cancelled } = await spied();
    const data = { x: 'x'.repeat(1_000_000) };
    for (let count = 0; count < 20; count++) await server.call('POST', MAPS, configMap(`big${count}`, data));
    const response = await other.fetch(`${MAPS}?watch=1`);
    await create('after');
    expect(cancelled()).toBe(0);
    const frames = frameReader(response);
    for (let count = 0; count < 20; count++) expect(await frames.next()).toMatchObject({ type: 'ADDED' });
    expect(await frames.next()).toMatchObject({ object: { metadata: { name: 'after' } } });
    await frames.end();
  });

  it('encodes an event once for all watchers', async () => {
    const version = await currentVersion();
    const readers = await Promise.all(
      [1, 2, 3].map(async () =>
        (await server.fetch(`${MAPS}?watch=1&resourceVersion=${version}`)).body!.getReader(),
      ),
    );
    await create('shared');
    const chunks = await Promise.all(readers.map((reader) => reader.read()));
    expect(new Set(chunks.map(({ value }) => value))).toHaveProperty('size', 1);
    await Promise.all(readers.map((reader) => reader.cancel()));
  });
});
