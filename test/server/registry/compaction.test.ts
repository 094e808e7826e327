/** What clients are told when the revision they ask for has been forgotten. */
import { beforeEach, describe, expect, it } from 'vitest';
import { configMap, frameReader, newTestServer, type TestServer } from '../fixtures/server.ts';

const PATH = '/api/v1/namespaces/default/configmaps';

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

describe('after compaction', () => {
  let server: TestServer;
  let old: List;

  const list = async (query: string): Promise<List> =>
    (await server.call('GET', `${PATH}?${query}`)).json as unknown as List;

  beforeEach(async () => {
    server = await newTestServer();
    for (const name of ['a', 'b', 'c', 'd']) await server.call('POST', PATH, configMap(name));
    old = await list('limit=2');
    await server.call('DELETE', `${PATH}/c`);
    await server.call('POST', PATH, configMap('e'));
    await server.store.compact(server.store.revision);
  });

  it('answers a list of exactly that revision with 410', async () => {
    const rv = old.metadata.resourceVersion;
    for (const query of [
      `resourceVersion=${rv}&resourceVersionMatch=Exact`,
      `resourceVersion=${rv}&limit=2`,
    ]) {
      const { status, json } = await server.call('GET', `${PATH}?${query}`);
      expect([status, json]).toEqual([
        410,
        expect.objectContaining({
          reason: 'Expired',
          message: 'The resourceVersion for the provided list is too old.',
        }),
      ]);
    }
    const newer = await list(`resourceVersion=${rv}&resourceVersionMatch=NotOlderThan`);
    expect(newer.items.length).toBe(4);
  });

  it('answers the next page with 410 and a token for the rest as it is now', async () => {
    const { status, json } = await server.call('GET', `${PATH}?limit=1&continue=${old.metadata.continue}`);
    expect([status, json]).toEqual([
      410,
      expect.objectContaining({
        reason: 'Expired',
        message: expect.stringMatching(
          /^The provided continue parameter is too old to display a consistent list result\./,
        ),
        metadata: { continue: expect.any(String) },
      }),
    ]);
    const { metadata } = json as unknown as List;
    const rest = await list(`limit=1&continue=${metadata.continue}`);
    expect(rest.items.map((item) => item.metadata.name)).toEqual(['d']);
    expect(rest.metadata.resourceVersion).toBe(String(server.store.revision));
    const last = await list(`limit=1&continue=${rest.metadata.continue}`);
    expect([last.items.map((item) => item.metadata.name), last.metadata.continue]).toEqual([
      ['e'],
      undefined,
    ]);
  });

  it('ends a watch from that revision with 410, in its first frame', async () => {
    const rv = old.metadata.resourceVersion;
    const response = await server.fetch(`${PATH}?watch=1&resourceVersion=${rv}`);
    const frame = await frameReader(response).next();
    const oldest = server.store.compactedRevision;
    expect(frame).toMatchObject(
      response.status === 200
        ? {
            type: 'ERROR',
            object: { code: 410, reason: 'Expired', message: `too old resource version: ${rv} (${oldest})` },
          }
        : { code: 410 },
    );
  });
});
