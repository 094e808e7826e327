/**
 * What every kind must do, given one valid object: every verb and media type, dry run without a trace, and the same bytes
 * whatever way an object goes. Runs on any definition, through the app, without a socket. The counterpart of upstream's
 * registry/rest/resttest.Tester.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ResourceDefinition } from '../../api/definition.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { frameReader, newTestServer, type Answer, type TestServer } from '../server/fixtures/server.ts';
import type { Example } from './examples.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const MERGE = { 'content-type': 'application/merge-patch+json' };
/** Patches that add a label, by media type. */
const PATCHES: readonly [string, unknown][] = [
  ['application/json-patch+json', [{ op: 'add', path: '/metadata/labels', value: { way: 'json' } }]],
  ['application/merge-patch+json', { metadata: { labels: { way: 'merge' } } }],
  ['application/strategic-merge-patch+json', { metadata: { labels: { way: 'strategic' } } }],
];

export function resourceSuite(definition: ResourceDefinition, version: string, example: Example): void {
  const { group, names, namespaced, verbs } = definition;
  const apiVersion = formatGroupVersion(group, version);
  const root = group === '' ? '/api/v1' : `/apis/${apiVersion}`;
  const collection = `${root}/${namespaced ? 'namespaces/default/' : ''}${names.plural}`;
  const name = example.metadata?.name ?? 'example';
  const own = `${collection}/${name}`;
  const body = {
    apiVersion,
    kind: names.kind,
    ...example,
    metadata: { name, ...(namespaced ? { namespace: 'default' } : {}) },
  };
  /** Annotations of deployments count as changes of what they ask for. */
  const harmless = names.plural === 'deployments' ? 'labels' : 'annotations';
  let server: TestServer;
  const create = async (): Promise<UnknownObject> => ok(await server.call('POST', collection, body));

  describe(`${names.plural} of ${apiVersion}`, () => {
    beforeEach(async () => {
      server = await newTestServer();
    });
    afterEach(() => server.store.close());

    it('are created, read and listed with one identity', async () => {
      const created = await create();
      expect(created.metadata).toMatchObject({
        name,
        uid: expect.any(String),
        resourceVersion: expect.any(String),
      });
      expect(created.metadata.creationTimestamp).toMatch(/Z$/);
      expect(ok(await server.call('GET', own))).toEqual(created);
      const list = (await server.call('GET', collection)).json;
      expect(list).toMatchObject({ kind: names.listKind, apiVersion });
      const { kind: _kind, apiVersion: _version, ...item } = created;
      expect(list['items']).toContainEqual(item);
      expect((await server.call('POST', collection, body)).json).toMatchObject({
        reason: 'AlreadyExists',
        code: 409,
      });
    });

    it('leave no trace of a dry run', async () => {
      const before = server.store.revision;
      ok(await server.call('POST', `${collection}?dryRun=All`, body));
      expect((await server.call('GET', own)).status).toBe(404);
      expect(server.store.revision).toBe(before);
      const created = await create();
      const labels = { metadata: { labels: { dry: 'yes' } } };
      ok(await server.call('PATCH', `${own}?dryRun=All`, labels, MERGE));
      ok(
        await server.call('PUT', `${own}?dryRun=All`, {
          ...created,
          metadata: { ...created.metadata, ...labels.metadata },
        }),
      );
      ok(await server.call('DELETE', `${own}?dryRun=All`));
      expect(ok(await server.call('GET', own))).toEqual(created);
    });

    it('are watched', async () => {
      const from = server.store.revision;
      const frames = frameReader(await server.fetch(`${collection}?watch=1&resourceVersion=${from}`));
      const created = await create();
      expect(await frames.next()).toEqual({ type: 'ADDED', object: created });
      const patched = ok(await server.call('PATCH', own, { metadata: { labels: { a: 'b' } } }, MERGE));
      expect(await frames.next()).toEqual({ type: 'MODIFIED', object: patched });
      await frames.end();
    });

    it('are updated, and not by an update that changes nothing', async () => {
      const created = await create();
      const same = ok(await server.call('PUT', own, created));
      expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
      const changed = { ...created, metadata: { ...created.metadata, [harmless]: { a: 'b' } } };
      const updated = ok(await server.call('PUT', own, changed));
      expect(updated.metadata).toMatchObject({ uid: created.metadata.uid, [harmless]: { a: 'b' } });
      expect(updated.metadata.generation).toBe(created.metadata.generation);
      expect(updated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
      expect((await server.call('PUT', own, changed)).json).toMatchObject({ reason: 'Conflict', code: 409 });
    });

    it.each(PATCHES)('are patched by %s', async (contentType, patch) => {
      await create();
      const patched = ok(await server.call('PATCH', own, patch, { 'content-type': contentType }));
      expect(Object.keys(patched.metadata.labels ?? {})).toContain('way');
      const again = ok(await server.call('PATCH', own, patch, { 'content-type': contentType }));
      expect(again.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
    });

    it('are applied by the server', async () => {
      const headers = { 'content-type': 'application/apply-patch+yaml' };
      const wanted = { ...body, metadata: { ...body.metadata, labels: { applied: 'yes' } } };
      const applied = ok(await server.call('PATCH', `${own}?fieldManager=suite`, wanted, headers));
      expect(applied.metadata.managedFields?.[0]).toMatchObject({ manager: 'suite', operation: 'Apply' });
      const again = ok(await server.call('PATCH', `${own}?fieldManager=suite`, wanted, headers));
      expect(again.metadata.resourceVersion).toBe(applied.metadata.resourceVersion);
    });

    if (definition.subresources.some((part) => part.name === 'status'))
      it('have a status of their own', async () => {
        const created = await create();
        expect(ok(await server.call('GET', `${own}/status`))).toEqual(created);
        const same = ok(await server.call('PUT', `${own}/status`, created));
        expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
        const { status: _status, ...rest } = created;
        const cleared = ok(await server.call('PUT', own, rest));
        expect(cleared['status']).toEqual(created['status']);
      });

    it('go through JSON, YAML and protobuf unchanged', async () => {
      const created = await create();
      const json = await server.call('GET', own);
      for (const media of [PROTOBUF, 'application/yaml']) {
        const read = await server.call('GET', own, undefined, { accept: media });
        expect([read.status, read.headers.get('content-type')]).toEqual([200, media]);
        const written = await server.call('PUT', own, read.bytes, { 'content-type': media });
        expect(ok(written).metadata.resourceVersion).toBe(created.metadata.resourceVersion);
      }
      expect((await server.call('GET', own)).text).toBe(json.text);
      const copy = await server.call('GET', own, undefined, { accept: PROTOBUF });
      expect((await server.call('GET', own, undefined, { accept: PROTOBUF })).bytes.equals(copy.bytes)).toBe(
        true,
      );
    });

    it('are shown as tables and by their metadata alone', async () => {
      const created = await create();
      const table = (await server.call('GET', own, undefined, { accept: TABLE }))
        .json as unknown as TableBody;
      expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      expect(table.rows).toHaveLength(1);
      expect(table.rows[0]!.cells).toHaveLength(table.columnDefinitions.length);
      if (table.columnDefinitions[0]!.name === 'Name') expect(table.rows[0]!.cells[0]).toBe(name);
      const partial = (await server.call('GET', own, undefined, { accept: PARTIAL })).json;
      expect(partial).toEqual({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: created.metadata,
      });
      const list = (await server.call('GET', collection, undefined, { accept: PARTIAL_LIST })).json;
      expect(list['kind']).toBe('PartialObjectMetadataList');
      expect((list['items'] as { metadata: unknown }[]).map(({ metadata }) => metadata)).toContainEqual(
        created.metadata,
      );
    });

    it('are deleted', async () => {
      const created = await create();
      const wrong = { preconditions: { uid: 'somebody-else' } };
      expect((await server.call('DELETE', own, wrong)).json).toMatchObject({ reason: 'Conflict' });
      ok(await server.call('DELETE', `${own}?gracePeriodSeconds=0`));
      await release(server, own);
      expect((await server.call('GET', own)).json).toMatchObject({ reason: 'NotFound', code: 404 });
      const anew = await create();
      expect(anew.metadata.uid).not.toBe(created.metadata.uid);
    });

    if (verbs.includes('deletecollection'))
      it('are deleted together, by label', async () => {
        await create();
        ok(await server.call('PATCH', own, { metadata: { labels: { gone: 'yes' } } }, MERGE));
        const other = `${collection}?labelSelector=gone%3Dno`;
        expect((await server.call('DELETE', other)).status).toBe(200);
        expect((await server.call('GET', own)).status).toBe(200);
        expect(
          (await server.call('DELETE', `${collection}?labelSelector=gone%3Dyes&gracePeriodSeconds=0`)).status,
        ).toBe(200);
        await release(server, own);
        expect((await server.call('GET', own)).status).toBe(404);
      });
  });
}

interface TableBody {
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

/** The object of an answer that went well. */
function ok(answer: Answer): UnknownObject {
  if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json as unknown as UnknownObject;
}

/** Takes away what a controller would: the finalizers of an object that is being deleted. */
async function release(server: TestServer, own: string): Promise<void> {
  const held = await server.call('GET', own);
  if (held.status === 404) return;
  const object = held.json as unknown as UnknownObject;
  expect(object.metadata.deletionTimestamp).toBeDefined();
  if ((object.metadata.finalizers ?? []).length > 0)
    ok(await server.call('PATCH', own, { metadata: { finalizers: null } }, MERGE));
  else ok(await server.call('PUT', `${own}/finalize`, { ...object, spec: {} }));
}
