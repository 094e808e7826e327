/** What `/metrics` tells, and how many requests are worked on at a time. */
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../api/machinery/metrics.ts';
import { createAuthenticator } from '../../server/authn/authenticator.ts';
import {
  ADMIN_TOKEN,
  configMap,
  frameReader,
  newTestServer,
  VIEWER_TOKEN,
  type TestServer,
} from './fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

/** Lines of the text format by name and labels. */
async function scrape(server: TestServer): Promise<Map<string, number>> {
  const answer = await server.call('GET', '/metrics');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

describe('/metrics', () => {
  it('counts requests by what they asked for', async () => {
    const server = await newTestServer();
    await server.call('POST', `${MAPS}?dryRun=All`, configMap('one'));
    await server.call('GET', `${MAPS}/missing`);
    await server.call('GET', MAPS);
    await server.call('GET', '/api/v1/configmaps');
    await server.call('PATCH', `${MAPS}/missing`, {}, { 'content-type': 'application/merge-patch+json' });
    await server.call('DELETE', MAPS);
    await server.call('GET', '/healthz');
    const found = await scrape(server);
    const counted = (
      verb: string,
      scope: string,
      code: number,
      more: Record<string, string> = {},
    ): number | undefined => {
      const { dryRun = '', resource = 'configmaps', version = 'v1' } = more;
      return found.get(
        `apiserver_request_total{verb="${verb}",dry_run="${dryRun}",group="",version="${version}",resource="${resource}",subresource="",scope="${scope}",component="apiserver",code="${code}"}`,
      );
    };
    expect(counted('POST', 'resource', 201, { dryRun: 'All' })).toBe(1);
    expect(counted('GET', 'resource', 404)).toBe(1);
    expect(counted('LIST', 'namespace', 200)).toBe(1);
    expect(counted('LIST', 'cluster', 200)).toBe(1);
    expect(counted('PATCH', 'resource', 404)).toBe(1);
    expect(counted('DELETECOLLECTION', 'namespace', 200)).toBe(1);
    expect(counted('GET', '', 200, { resource: '', version: '' })).toBe(1);
    expect(
      found.get(
        'apiserver_request_duration_seconds_count{verb="LIST",dry_run="",group="",version="v1",resource="configmaps",subresource="",scope="cluster",component="apiserver"}',
      ),
    ).toBe(1);
    // The scrape itself is under way.
    expect(found.get('apiserver_current_inflight_requests{request_kind="readOnly"}')).toBe(1);
    expect(found.get('apiserver_current_inflight_requests{request_kind="mutating"}')).toBe(0);
    expect(found.get('process_start_time_seconds')).toBeGreaterThan(0);
    expect([...found.keys()].join('\n')).toContain('kubernetes_build_info{major="1",minor="36"');
  });

  it('counts open watches and what they were sent', async () => {
    const server = await newTestServer();
    const reader = frameReader(await server.fetch(`${MAPS}?watch=1`));
    await server.call('POST', MAPS, configMap('one'));
    await reader.next();
    const open =
      'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver"}';
    const during = await scrape(server);
    expect(during.get(open)).toBe(1);
    expect(during.get('apiserver_watch_events_total{group="",version="v1",resource="configmaps"}')).toBe(1);
    await reader.end();
    expect((await scrape(server)).get(open)).toBe(0);
  });
});

describe('Metrics', () => {
  it('puts observations into the buckets they fit in', () => {
    const metrics = new Metrics();
    const histogram = metrics.histogram('h', '', ['a'], [1, 10]);
    for (const value of [0.5, 1, 2, 100]) histogram.observe(['x'], value);
    expect(metrics.histogram('h', '', ['a'], [])).toBe(histogram);
    expect(histogram.samples()).toEqual([
      { name: 'h_bucket', labels: { a: 'x', le: 1 }, value: 2 },
      { name: 'h_bucket', labels: { a: 'x', le: 10 }, value: 3 },
      { name: 'h_bucket', labels: { a: 'x', le: '+Inf' }, value: 4 },
      { name: 'h_sum', labels: { a: 'x' }, value: 103.5 },
      { name: 'h_count', labels: { a: 'x' }, value: 4 },
    ]);
  });
});

describe('requests in flight', () => {
  const busy = async (): Promise<{ server: TestServer; release: () => void }> => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const tokens = [
      { token: ADMIN_TOKEN, user: { name: 'admin', groups: ['system:masters'] } },
      { token: VIEWER_TOKEN, user: { name: 'viewer', groups: [] } },
    ];
    const server = await newTestServer({
      authenticator: createAuthenticator({ tokens }),
      inFlightLimits: { readOnly: 1, mutating: 1 },
      authorizer: {
        authorize: async ({ path }) => {
          if (path === '/version' || path.endsWith('/held')) await held;
          return { decision: 'allow' };
        },
      },
    });
    return { server, release };
  };
  const viewer = { authorization: `Bearer ${VIEWER_TOKEN}` };

  it('beyond the limit are told to come again', async () => {
    const { server, release } = await busy();
    const first = server.call('GET', '/version', undefined, viewer);
    const refused = await server.call('GET', MAPS, undefined, viewer);
    expect([refused.status, refused.text, refused.headers.get('retry-after')]).toEqual([
      429,
      'Too many requests, please try again later.\n',
      '1',
    ]);
    release();
    expect((await first).status).toBe(200);
    expect((await server.call('GET', MAPS, undefined, viewer)).status).toBe(200);
  });

  it('of the other kind, watches and administrators pass', async () => {
    const { server, release } = await busy();
    const first = server.call('GET', '/version', undefined, viewer);
    expect((await server.call('POST', MAPS, configMap('one'), viewer)).status).toBe(201);
    expect((await server.call('GET', MAPS)).status).toBe(200);
    const watch = await server.fetch(`${MAPS}?watch=1`, viewer);
    expect(watch.status).toBe(200);
    await watch.body!.cancel();
    release();
    await first;
  });
});
