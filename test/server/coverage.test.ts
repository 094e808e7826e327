/** The coverage page is current, and every cell of it is true of a running server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ResourceDefinition, VersionDefinition } from '../../api/definition.ts';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import { formatCoverage, isServed } from '../../server/coverage/coverage-page.ts';
import { PARAMETERS } from '../../server/coverage/parameters.ts';
import { formOf } from '../../server/negotiation/form.ts';
import { newTestServer, type Answer, type TestServer } from './fixtures/server.ts';

const METHODS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};
const ON_COLLECTION = ['list', 'watch', 'create', 'deletecollection'];
const MERGE = { 'content-type': 'application/merge-patch+json' };
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
/** What a verb answers with that the path does not have. */
const NOT_THERE = [404, 405, 501];
const definitions = builtInDefinitions();
const versions = definitions.flatMap((definition) =>
  definition.versions.map(
    (version) =>
      [
        `${formatGroupVersion(definition.group, version.name)} ${definition.names.plural}`,
        definition,
        version,
      ] as const,
  ),
);

let server: TestServer;
beforeAll(async () => {
  // Computed kinds have a registry of their own, which a bare server has not.
  server = await newTestServer();
});

function collectionOf({ group, names, namespaced }: ResourceDefinition, { name }: VersionDefinition): string {
  const root = group === '' ? `/api/${name}` : `/apis/${group}/${name}`;
  return `${root}${namespaced ? '/namespaces/default' : ''}/${names.plural}`;
}

async function send(verb: string, path: string, query = ''): Promise<Answer> {
  const watching = verb === 'watch' ? 'watch=1' : '';
  const url = `${path}?${[watching, query].filter(Boolean).join('&')}`;
  if (verb === 'watch' && query === '') {
    const response = await server.fetch(url);
    await response.body?.cancel();
    return { status: response.status } as Answer;
  }
  const body = ['create', 'update', 'patch'].includes(verb) ? {} : undefined;
  return server.call(METHODS[verb]!, url, body, verb === 'patch' ? MERGE : {});
}

/** Whether the server has the verb on the path: what it says of an absent object or an empty body is no matter. */
function isThere({ status, json }: Answer): boolean {
  if (!NOT_THERE.includes(status)) return true;
  return status === 404 && (json['details'] as { name?: string } | undefined)?.name !== undefined;
}

describe('docs/reference/coverage.md', () => {
  it('is what npm run generate writes', () => {
    const path = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'coverage.md');
    expect(readFileSync(path, 'utf8')).toBe(formatCoverage(definitions));
  });
});

describe.each(versions)('%s', (_name, definition, version) => {
  const collection = collectionOf(definition, version);
  const { verbs, subresources } = definition;

  it('has its verbs and no others', async () => {
    for (const verb of Object.keys(METHODS)) {
      const path = ON_COLLECTION.includes(verb) ? collection : `${collection}/absent`;
      const answer = await send(verb, path);
      if (verbs.includes(verb)) expect(isThere(answer), `${verb}: ${answer.status}`).toBe(true);
      else expect([404, 405], verb).toContain(answer.status);
    }
  });

  it('has its subresources, or refuses them by name', async () => {
    for (const subresource of subresources) {
      for (const verb of subresource.verbs) {
        const answer = await send(verb, `${collection}/absent/${subresource.name}`);
        const what = `${verb} ${subresource.name}: ${answer.status} ${answer.text}`;
        if (isServed(definition, subresource, verb)) expect(isThere(answer), what).toBe(true);
        else {
          expect(answer.status, what).toBe(501);
          expect(answer.json['message']).toBe(
            `${definition.names.plural}/${subresource.name} is not implemented by kubemu`,
          );
        }
      }
    }
  });

  it.runIf(verbs.includes('list'))('answers lists in its media types', async () => {
    const { offer, listKind, table } = formOf(definition, version);
    for (const type of [...offer.types, 'application/cbor']) {
      const answer = await server.call('GET', collection, undefined, { accept: type });
      if (type === 'application/cbor') expect(answer.status).toBe(406);
      else expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type]);
    }
    expect(offer.types.includes(PROTOBUF)).toBe(version.schema.protobuf.length > 0);
    const as = async (kind: string): Promise<unknown> => {
      const accept = `application/json;as=${kind};v=v1;g=meta.k8s.io`;
      return (await server.call('GET', collection, undefined, { accept })).json['kind'];
    };
    expect(await as('Table')).toBe(table === undefined ? 'Status' : 'Table');
    expect(await as('PartialObjectMetadataList')).toBe('PartialObjectMetadataList');
    expect((await server.call('GET', collection)).json['kind']).toBe(listKind);
  });

  it.runIf(verbs.includes('list'))('selects by its fields and no others', async () => {
    for (const field of ['metadata.name', ...Object.keys(definition.behaviour.fieldSelectors ?? {})]) {
      const answer = await server.call('GET', `${collection}?fieldSelector=${field}%3Dx`);
      expect(answer.status, field).toBe(200);
    }
    expect((await server.call('GET', `${collection}?fieldSelector=spec.nope%3Dx`)).status).toBe(400);
  });
});

describe('parameters', () => {
  const definition = definitions.find(({ names }) => names.plural === 'configmaps')!;
  const collection = collectionOf(definition, definition.versions[0]!);

  it.each(
    PARAMETERS.flatMap(({ name, verbs, refused }) =>
      refused === undefined ? [] : verbs.map((verb) => [name, verb, refused] as const),
    ),
  )('%s of %s is refused when it makes no sense', async (name, verb, { value, code }) => {
    await server.call('POST', collection, { metadata: { name: 'present' } });
    const path = ON_COLLECTION.includes(verb) ? collection : `${collection}/present`;
    const answer = await send(verb, path, `${name}=${encodeURIComponent(value)}`);
    expect([answer.status, answer.json['kind']], answer.text).toEqual([code, 'Status']);
  });
});
