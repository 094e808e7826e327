import { beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIDocuments } from '../../../server/discovery/openapi.ts';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

const DOCUMENTS: OpenAPIDocuments = {
  index: () => [
    { path: 'api/v1', hash: 'AA' },
    { path: 'apis/apps/v1', hash: 'BB' },
  ],
  document: (path) => Buffer.from(`{"openapi":"3.0.0","of":"${path}"}`),
  v2: () => ({ body: Buffer.from('{"swagger":"2.0"}'), hash: 'CC' }),
};
const WITH_PROTOBUF: OpenAPIDocuments = {
  ...DOCUMENTS,
  documentProtobuf: () => Buffer.from('v3 protobuf'),
  v2Protobuf: () => Buffer.from('v2 protobuf'),
};

let server: TestServer;
let binary: TestServer;
beforeAll(async () => {
  server = await newTestServer({ openAPI: DOCUMENTS });
  binary = await newTestServer({ openAPI: WITH_PROTOBUF });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  server.call('GET', path, undefined, headers);

describe('OpenAPI', () => {
  it('lists its documents with their hashes', async () => {
    expect((await get('/openapi/v3')).json).toEqual({
      paths: {
        'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=AA' },
        'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=BB' },
      },
    });
  });

  it('serves a document for good under its hash', async () => {
    const { status, headers, json } = await get('/openapi/v3/apis/apps/v1?hash=BB');
    expect([status, json]).toEqual([200, { openapi: '3.0.0', of: 'apis/apps/v1' }]);
    expect(headers.get('cache-control')).toBe('public, immutable');
    expect(headers.get('expires')).toBe('Fri, 01 Jan 2027 00:00:00 GMT');
    expect([headers.get('etag'), headers.get('vary')]).toEqual(['"BB"', 'Accept']);
  });

  it('serves it for now without a hash', async () => {
    const { status, headers } = await get('/openapi/v3/apis/apps/v1');
    expect([status, headers.get('cache-control'), headers.get('expires')]).toEqual([
      200,
      'no-cache, private',
      null,
    ]);
  });

  it('leads from an old hash to the new one', async () => {
    const { status, headers } = await get('/openapi/v3/apis/apps/v1?hash=OLD');
    expect([status, headers.get('location')]).toEqual([301, '/openapi/v3/apis/apps/v1?hash=BB']);
  });

  it.each(['/openapi/v2', '/openapi/v3/api/v1'])('does not send %s again to who has it', async (path) => {
    const { headers } = await get(path);
    expect((await get(path, { 'if-none-match': headers.get('etag')! })).status).toBe(304);
  });

  it.each(['/openapi/v3/apis/none/v1', '/openapi/v1', '/openapi'])('knows no %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it.each([
    ['/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'v2 protobuf'],
    ['/openapi/v3/api/v1', 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf', 'v3 protobuf'],
    ['/openapi/v3/api/v1', 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf', 'v3 protobuf'],
  ])('%s as %s', async (path, accept, text) => {
    const found = await binary.call('GET', path, undefined, { accept });
    // Asked for with an at sign or a dot, it is always named with a dot: Go cannot parse the other.
    const type = accept.replace('@', '.');
    expect([found.status, found.headers.get('content-type'), found.text]).toEqual([200, type, text]);
    expect((await get(path, { accept })).status).toBe(406);
    expect((await get(path, { accept: `${accept}, application/json` })).status).toBe(200);
  });

  it('is absent where there are no documents', async () => {
    const without = await newTestServer();
    expect((await without.call('GET', '/openapi/v3')).status).toBe(404);
  });
});
