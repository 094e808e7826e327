/** Requests from one end of the server to the other. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeObject } from '../../api/machinery/codec.ts';
import type { ResourceRegistry } from '../../server/registry/interface.ts';
import { configMap, newTestServer, type TestServer } from './fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
});

describe('paths and methods', () => {
  it.each([
    ['GET', '/nope', 404, '404 page not found\n'],
    ['GET', '/apis/nope.example.com/v1/things', 404, '404 page not found\n'],
    ['GET', '/apis/apps/v9/deployments', 404, '404 page not found\n'],
    ['GET', '/apis/nope', 404, '404 page not found\n'],
    ['POST', '/api/v2', 404, '404 page not found\n'],
  ])('%s %s is no path', async (method, path, status, text) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it.each([
    ['GET', '/api/v1/things'],
    ['GET', '/api/v1/pods/p'],
    ['GET', '/api/v1/namespaces/default/nodes'],
    ['GET', `${MAPS}/one/scale`],
    ['GET', `${MAPS}/one/status/more`],
    ['GET', '/api/v1/namespaces/default/finalize/x'],
  ])('%s %s is no resource', async (method, path) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.json]).toMatchObject([
      404,
      { reason: 'NotFound', message: 'the server could not find the requested resource' },
    ]);
  });

  it.each([
    ['POST', '/api/v1/configmaps'],
    ['DELETE', '/api/v1/configmaps'],
    ['PUT', MAPS],
    ['PATCH', MAPS],
    ['POST', `${MAPS}/one`],
    ['HEAD', `${MAPS}/one`],
    ['OPTIONS', MAPS],
    ['DELETE', '/api/v1/namespaces'],
    ['GET', '/api/v1/namespaces/default/finalize'],
    ['POST', '/api/v1/watch/pods'],
    ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    ['POST', '/version'],
    ['DELETE', '/healthz'],
  ])('%s %s is no method there', async (method, path) => {
    const answer = await server.call(method, path);
    expect(answer.status).toBe(405);
    if (method !== 'HEAD')
      expect(answer.json).toMatchObject({
        reason: 'MethodNotAllowed',
        message: 'the server does not allow this method on the requested resource',
      });
  });

  it.each([
    ['GET', '/api/v1/namespaces/default/pods/p/log', 'pods/log'],
    ['POST', '/api/v1/namespaces/default/pods/p/exec', 'pods/exec'],
    ['GET', '/api/v1/namespaces/default/pods/p/portforward', 'pods/portforward'],
    ['GET', '/api/v1/nodes/n/proxy/metrics', 'nodes/proxy'],
  ])('%s %s is refused by name', async (method, path, what) => {
    const answer = await server.call(method, path);
    expect([answer.status, answer.json]).toMatchObject([
      501,
      { message: `${what} is not implemented by kubemu` },
    ]);
  });

  it('decodes names once', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    await server.call('POST', path, { metadata: { name: 'system:thing' }, rules: [] });
    expect((await server.call('GET', `${path}/system%3Athing`)).json).toMatchObject({
      metadata: { name: 'system:thing' },
    });
    expect((await server.call('GET', `${path}/system%253Athing`)).status).toBe(404);
    expect((await server.call('GET', `${path}/%E0%A4%A`)).json).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    });
  });
});

describe('headers', () => {
  it('echo the audit ID, or make one up', async () => {
    const given = await server.call('GET', '/version', undefined, { 'audit-id': 'my-id' });
    expect(given.headers.get('audit-id')).toBe('my-id');
    const made = await server.call('GET', '/nope');
    expect(made.headers.get('audit-id')).toMatch(/^[0-9a-f]{8}-/);
    expect(made.headers.get('cache-control')).toBe('no-cache, private');
    expect(made.headers.get('x-kubernetes-pf-flowschema-uid')).toMatch(/^[0-9a-f]{8}-/);
    expect(made.headers.get('x-kubernetes-pf-prioritylevel-uid')).toMatch(/^[0-9a-f]{8}-/);
  });

  it('warn of deprecated kinds', async () => {
    const answer = await server.call('GET', '/api/v1/namespaces/default/endpoints');
    expect(answer.headers.get('warning')).toBe(
      '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
    );
  });
});

describe('faults', () => {
  const broken = (error: unknown): ResourceRegistry => {
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.current = () => {
      throw error;
    };
    registry.list = () => Promise.reject(error);
    return registry;
  };

  it.each([
    ['at once', `${MAPS}/one`],
    ['later', MAPS],
  ])('of a handler that fails %s become a 500 with the stack in the log', async (_when, path) => {
    const faulty = await newTestServer({ registry: broken(new TypeError('x is not a function')) });
    const answer = await faulty.call('GET', path);
    expect([answer.status, answer.json]).toMatchObject([
      500,
      { reason: 'InternalError', message: 'Internal error occurred: x is not a function' },
    ]);
    expect(faulty.logs.join('\n')).toMatch(
      /ERROR request failed verb=\w+ path=\S+ error="TypeError: x is not a function\\n +at /,
    );
    expect((await faulty.call('GET', '/healthz')).status).toBe(200);
  });

  it('that are no errors are survived as well', async () => {
    const faulty = await newTestServer({ registry: broken('a string') });
    expect((await faulty.call('GET', `${MAPS}/one`)).status).toBe(500);
    expect((await faulty.call('GET', MAPS)).status).toBe(500);
  });

  it.each([
    ['by itself', '', 34_000],
    ['as asked', '?timeout=5s', 5000],
    ['as asked, but not longer', '?timeout=5m', 34_000],
  ])('a request that hangs ends %s', async (_name, query, limitMs) => {
    let asked!: () => void;
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const registry = Object.create(server.registry) as ResourceRegistry;
    registry.list = () => {
      asked();
      return new Promise(() => {});
    };
    const hanging = await newTestServer({ registry });
    const answer = hanging.call('GET', `${MAPS}${query}`);
    await arrived;
    expect(hanging.clock.nextDue()).toBe(hanging.clock.now() + limitMs);
    await hanging.clock.advance(limitMs);
    expect([(await answer).status, (await answer).json]).toMatchObject([
      504,
      { reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' },
    ]);
  });

  it('no timer is left behind by a finished request', async () => {
    const quiet = await newTestServer();
    await quiet.call('GET', MAPS);
    expect(quiet.clock.nextDue()).toBeUndefined();
  });
});

describe('a long answer', () => {
  it('is compressed only for those who read it', async () => {
    const object = configMap('long', { a: 'x'.repeat(140_000) });
    await server.call('POST', MAPS, object);
    const plain = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.bytes.length).toBeGreaterThan(140_000);
    const refused = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'gzip;q=0' });
    expect(refused.headers.get('content-encoding')).toBeNull();
    const compressed = await server.call('GET', `${MAPS}/long`, undefined, { 'accept-encoding': 'br, gzip' });
    expect(compressed.headers.get('content-encoding')).toBe('gzip');
    expect(compressed.headers.get('vary')).toBe('Accept-Encoding');
    expect(compressed.bytes.length).toBeLessThan(10_000);
    const short = await server.call('GET', `${MAPS}/one`, undefined, { 'accept-encoding': 'gzip' });
    expect(short.headers.get('content-encoding')).toBeNull();
    expect(encodeObject(object).length).toBeGreaterThan(140_000);
  });
});
