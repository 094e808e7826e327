/** Which options of lists and watches go together, and what upstream says to those that do not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, frameReader, newTestServer, type TestServer } from '../fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const INVALID = 'ListOptions.meta.k8s.io "" is invalid: ';
const RESTRICTED = 'resourceVersionMatch: Forbidden: ';

const token = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

let server: TestServer;
let revision: string;
let names: string[];

beforeAll(async () => {
  server = await newTestServer();
  names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) await server.call('POST', MAPS, configMap(name));
  const list = await server.call('GET', MAPS);
  revision = (list.json['metadata'] as { resourceVersion: string }).resourceVersion;
});

describe('refused', () => {
  it.each<[string, string, number, string]>([
    [
      'a watch with a match and no initial events',
      'watch=1&resourceVersion=5&resourceVersionMatch=NotOlderThan',
      422,
      `${INVALID}${RESTRICTED}resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
    ],
    [
      'a watch with initial events and an exact match',
      'watch=1&sendInitialEvents=true&resourceVersionMatch=Exact',
      422,
      `${INVALID}[${RESTRICTED}sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
    ],
    [
      'a watch with everything wrong at once',
      'watch=1&resourceVersionMatch=x&continue=y&resourceVersion=1',
      422,
      `${INVALID}[${RESTRICTED}resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "x": supported values: "NotOlderThan", ${RESTRICTED}resourceVersionMatch is forbidden when continue is provided]`,
    ],
    [
      'a list with a match and nothing to match',
      'resourceVersionMatch=Exact',
      422,
      `${INVALID}${RESTRICTED}resourceVersionMatch is forbidden unless resourceVersion is provided`,
    ],
    [
      'a page with a match',
      `resourceVersionMatch=Exact&resourceVersion=1&continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' })}`,
      422,
      `${INVALID}${RESTRICTED}resourceVersionMatch is forbidden when continue is provided`,
    ],
    [
      'a list exactly at any version',
      'resourceVersionMatch=Exact&resourceVersion=0',
      422,
      `${INVALID}${RESTRICTED}resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      'a list with an unknown match',
      'resourceVersionMatch=Newest&resourceVersion=1',
      422,
      `${INVALID}resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""`,
    ],
    [
      'a page at a version',
      `resourceVersion=1&continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' })}`,
      400,
      'specifying resource version is not allowed when using continue',
    ],
    [
      'a page by no token',
      'continue=!',
      400,
      'invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
    ],
    [
      'a page by half a token',
      `continue=${token('{"v"')}`,
      400,
      'invalid continue token: continue key is not valid: ',
    ],
    [
      'a page by a token of another make',
      `continue=${token({ v: 'v2', rv: 1, start: 'a' })}`,
      400,
      'invalid continue token: continue key is not valid: server does not recognize this encoded version v2',
    ],
    [
      'a page by a token without a version',
      `continue=${token({ v: 'meta.k8s.io/v1', start: 'a' })}`,
      400,
      'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    [
      'a page by a token without a start',
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1 })}`,
      400,
      'invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
    ],
    [
      'a page by a token that leads out of the collection',
      `continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: '../../secrets/' })}`,
      400,
      'invalid continue token: continue key is not valid: ../../secrets/',
    ],
    ['a limit that is no number', 'limit=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    [
      'a time that is no number',
      'watch=1&timeoutSeconds=1s',
      400,
      'strconv.ParseInt: parsing "1s": invalid syntax',
    ],
  ])('%s', async (_name, query, status, message) => {
    const answer = await server.call('GET', `${MAPS}?${query}`);
    expect(answer.json['message']).toContain(message);
    expect(answer.status).toBe(status);
  });

  it.each([
    ['/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name=b'],
    ['/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.namespace=default'],
  ])('a watch of one object that selects another: %s', async (path) => {
    const answer = await server.call('GET', path);
    expect([answer.status, answer.json['message']]).toEqual([
      400,
      "fieldSelector metadata.name doesn't match requested name",
    ]);
  });
});

describe('pages', () => {
  const page = async (
    query: string,
  ): Promise<{ names: string[]; next: string; rv: string; left?: number }> => {
    const { json } = await server.call('GET', `${MAPS}?${query}`);
    const { metadata, items } = json as unknown as {
      metadata: { continue?: string; resourceVersion: string; remainingItemCount?: number };
      items: { metadata: { name: string } }[];
    };
    return {
      names: items.map((item) => item.metadata.name),
      next: metadata.continue ?? '',
      rv: metadata.resourceVersion,
      left: metadata.remainingItemCount,
    };
  };

  it.each(['', '&resourceVersion=0'])('go on at the snapshot they began with%s', async (query) => {
    const first = await page('limit=2');
    await server.call('POST', MAPS, configMap('bb'));
    const second = await page(`limit=2&continue=${first.next}${query}`);
    await server.call('DELETE', `${MAPS}/bb`);
    expect([first.names, second.names, second.rv]).toEqual([['a', 'b'], ['c', 'd'], first.rv]);
    expect([first.left, second.left]).toEqual([3, 1]);
  });

  it.each<[string, string, string[]]>([
    ['any version is answered in full', 'limit=2&resourceVersion=0', ['a', 'b', 'c', 'd', 'e']],
    ['not older than a version is the newest state', 'limit=2&resourceVersionMatch=NotOlderThan', ['a', 'b']],
    ['an exact version is that state', 'resourceVersionMatch=Exact', ['a', 'b', 'c', 'd', 'e']],
    ['a version with a limit is exact', 'limit=2', ['a', 'b']],
  ])('%s', async (_name, query, expected) => {
    const at = query.includes('resourceVersion=') ? '' : `&resourceVersion=${revision}`;
    const { names: found, rv } = await page(`${query}${at}`);
    expect(found).toEqual(expected);
    if (query.includes('Exact') || query === 'limit=2') expect(rv).toBe(revision);
  });
});

describe('a watch of one object', () => {
  it.each([
    ['by its path', '/api/v1/watch/namespaces/default/configmaps/a'],
    [
      'by its path and its name',
      '/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name%3Da',
    ],
    ['by name and more', `${MAPS}?watch=1&fieldSelector=metadata.name%3Da,metadata.namespace%3Ddefault`],
    ['with the prefix of all namespaces', '/api/v1/watch/configmaps?fieldSelector=metadata.name%3Da'],
  ])('%s begins with it', async (_name, path) => {
    const reader = frameReader(await server.fetch(path));
    expect(await reader.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    await reader.end();
  });
});

describe('a version that does not exist yet', () => {
  it.each(['', 'watch=1&', 'resourceVersionMatch=NotOlderThan&', 'limit=1&', 'resourceVersionMatch=Exact&'])(
    'is waited for and refused: %s',
    async (query) => {
      let isAnswered = false;
      const asked = server
        .call('GET', `${MAPS}?${query}resourceVersion=999999`)
        .finally(() => (isAnswered = true));
      while (!isAnswered) await server.clock.advance(500);
      const { status, headers, json } = await asked;
      expect([status, json]).toMatchObject([
        504,
        {
          reason: 'Timeout',
          message: expect.stringMatching(/^Timeout: Too large resource version: 999999, current: \d+$/),
          details: {
            retryAfterSeconds: 1,
            causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          },
        },
      ]);
      expect(headers.get('retry-after')).toBe('1');
    },
  );
});
