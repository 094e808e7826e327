import { beforeAll, describe, expect, it } from 'vitest';
import type { HealthCheck } from '../../../server/health/health.ts';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

let isReady = false;
const CHECKS: readonly HealthCheck[] = [
  { name: 'ping', endpoints: ['healthz', 'livez', 'readyz'], isHealthy: () => true },
  { name: 'poststarthook/start', endpoints: ['healthz', 'livez', 'readyz'], isHealthy: () => true },
  { name: 'informer-sync', endpoints: ['readyz'], isHealthy: () => isReady },
];

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer({ healthChecks: CHECKS, version: { gitVersion: 'v1.36.2-custom' } });
});

describe('health', () => {
  it.each([
    ['/healthz', true, 200, 'ok'],
    ['/livez', false, 200, 'ok'],
    ['/readyz', true, 200, 'ok'],
    [
      '/readyz',
      false,
      500,
      '[+]ping ok\n[+]poststarthook/start ok\n[-]informer-sync failed: reason withheld\nreadyz check failed\n',
    ],
    ['/readyz?exclude=informer-sync', false, 200, 'ok'],
    [
      '/readyz?verbose&exclude=informer-sync&exclude=none',
      false,
      200,
      '[+]ping ok\n[+]poststarthook/start ok\n[+]informer-sync excluded: ok\nwarn: some health checks cannot be excluded: no matches for "none"\nreadyz check passed\n',
    ],
    ['/livez?verbose', false, 200, '[+]ping ok\n[+]poststarthook/start ok\nlivez check passed\n'],
    ['/healthz/ping', false, 200, 'ok'],
    ['/livez/poststarthook/start', false, 200, 'ok'],
    ['/readyz/informer-sync', false, 500, 'internal server error: informer-sync failed\n'],
    ['/healthz/informer-sync', true, 404, '404 page not found\n'],
    ['/healthz/none', true, 404, '404 page not found\n'],
    ['/healthzz', true, 404, '404 page not found\n'],
  ])('%s while ready is %s', async (path, ready, status, text) => {
    isReady = ready;
    const answer = await server.call('GET', path);
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('answers HEAD', async () => {
    const answer = await server.call('HEAD', '/healthz');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('version and index', () => {
  it('tells the version, indented', async () => {
    const { text, json } = await server.call('GET', '/version');
    expect(text).toMatch(/^\{\n {2}"major": "1",\n {2}"minor": "36",\n {2}"emulationMajor": "1",/);
    expect(text.endsWith('}')).toBe(true);
    expect(json).toMatchObject({ gitVersion: 'v1.36.2-custom', minCompatibilityMinor: '35' });
  });

  it.each(['/', '/index.html'])('%s lists the paths there are, sorted', async (path) => {
    const { json } = await server.call('GET', path);
    const { paths } = json as unknown as { paths: string[] };
    expect(paths).toEqual(
      expect.arrayContaining([
        '/api',
        '/api/v1',
        '/apis',
        '/apis/apps/v1',
        '/healthz',
        '/readyz/informer-sync',
        '/version',
      ]),
    );
    expect(paths).toEqual([...paths].sort());
    expect(paths).not.toContain('/openapi/v2');
  });
});
