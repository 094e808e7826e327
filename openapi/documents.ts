/** The OpenAPI documents a server answers with. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefinitionSet } from '../api/definition-set.ts';
import { publishV2, publishV3, type Descriptions } from './publish.ts';
import { encodeV2 } from './publish-protobuf.ts';

export interface Documents {
  index(): readonly { readonly path: string; readonly hash: string }[];
  document(path: string): Buffer | undefined;
  v2(): { readonly body: Buffer; readonly hash: string };
  v2Protobuf(): Buffer;
}

interface Entry {
  readonly body: Buffer;
  readonly hash: string;
}

/** Documents made from the definitions when first asked for, and anew when these change. */
export function loadDocuments(definitions: DefinitionSet): Documents {
  let v3: ReadonlyMap<string, Entry> | undefined;
  let v2: Entry | undefined;
  let v2Protobuf: Buffer | undefined;
  definitions.onChange(() => {
    v3 = undefined;
    v2 = undefined;
    v2Protobuf = undefined;
  });
  const all = (): ReadonlyMap<string, Entry> =>
    (v3 ??= new Map(
      [...publishV3(definitions, descriptions())].map(([path, document]) => [path, entry(document)]),
    ));
  return {
    index: () => [...all()].map(([path, { hash }]) => ({ path, hash })),
    document: (path) => all().get(path)?.body,
    v2: () => (v2 ??= entry(publishV2(definitions, descriptions()))),
    v2Protobuf: () => (v2Protobuf ??= encodeV2(publishV2(definitions, descriptions()))),
  };
}

function entry(document: object): Entry {
  const body = Buffer.from(JSON.stringify(document));
  return { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() };
}

let loaded: Descriptions | undefined;

/** Field descriptions, a build artefact beside the bundle; without it documents have structure only. */
function descriptions(): Descriptions {
  if (loaded !== undefined) return loaded;
  const candidates = [
    join(import.meta.dirname, 'descriptions.json'),
    join(import.meta.dirname, '..', 'descriptions.json'),
    join(import.meta.dirname, '..', 'dist', 'descriptions.json'),
  ];
  const found = candidates.find((path) => existsSync(path));
  loaded = found === undefined ? {} : (JSON.parse(readFileSync(found, 'utf8')) as Descriptions);
  return loaded;
}
