/** What others make of the documents: types by openapi-typescript, and what kubectl looks for in operations. */
import openapiTS, { astToString } from 'openapi-typescript';
import { describe, expect, it } from 'vitest';
import { DefinitionSet } from '../../api/definition-set.ts';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { loadDocuments } from '../../openapi/documents.ts';

const documents = loadDocuments(new DefinitionSet(builtInDefinitions()));
const paths = documents.index().map(({ path }) => path);

// oxlint-disable-next-line no-explicit-any -- whatever a document says; the assertions say what it must be
type Json = any;

const read = (path: string): Json => JSON.parse(documents.document(path)!.toString());

describe('the documents of OpenAPI v3', () => {
  it('are one for each group version and some for groups', () => {
    expect(paths).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/resource.k8s.io/v1']));
  });

  it.each(['api/v1', 'apis/apps/v1', 'apis/batch/v1', 'apis/autoscaling/v2', 'apis/policy/v1'])(
    'make types of %s',
    async (path) => {
      const text = astToString(await openapiTS(read(path)));
      expect(text).toContain('export interface paths');
      expect(text).toContain('"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"');
    },
  );

  it.each(paths)('%s says of every operation which kind and action it is', (path) => {
    const operations = Object.entries<Json>(read(path).paths).flatMap(([at, item]) =>
      Object.entries<Json>(item)
        .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
        .map(([method, operation]) => ({ at, method, operation, item })),
    );
    for (const { at, method, operation, item } of operations) {
      if (!/\/v\d[^/]*\/./.test(at)) continue;
      expect(operation['x-kubernetes-action'], `${method} ${at}`).toBeDefined();
      expect(operation['x-kubernetes-group-version-kind'], `${method} ${at}`).toBeDefined();
      if (method !== 'patch') continue;
      const names = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(
        ({ name }: Json) => name,
      );
      // Without these kubectl takes the server for one that cannot do a dry run or check fields.
      expect(names, at).toEqual(
        expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']),
      );
    }
  });

  it.each(paths)('%s refers to nothing that it does not hold', (path) => {
    const document = read(path);
    const text = JSON.stringify(document);
    const wanted = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
    const known = new Set(Object.keys(document.components?.schemas ?? {}));
    expect([...new Set(wanted)].filter((name) => !known.has(name))).toEqual([]);
  });
});
