/** YAML in the dialect of sigs.k8s.io/yaml: YAML 1.1 words, one document, turned into JSON data first. */
import { isMap, parseAllDocuments, stringify, visit, type Document, type Tags } from 'yaml';

/** The body is no YAML. */
export class YAMLError extends Error {
  override readonly name = 'YAMLError';
}

export interface ParsedYAML {
  readonly value: unknown;
  /** Text of the error strict reading ends in, when a key stands twice in one mapping. */
  readonly duplicates?: string;
}

/** Tags of YAML 1.1 that go-yaml keeps as text or does not have. */
const FOREIGN_TAGS = new Set(
  ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`),
);

function withoutForeignTags(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === 'string' || !(FOREIGN_TAGS.has(tag.tag) || ('format' in tag && tag.format === 'TIME')),
  );
}

const UNMARSHAL_ERRORS = /^(?:error converting YAML to JSON: )?yaml: unmarshal errors:\n/;

/** The findings of one text of the strict reader, a warning each. Mirrors handlers/rest.go parseYAMLWarnings. */
export function warningsOfYAML(text: string): string[] {
  const findings = text.replace(UNMARSHAL_ERRORS, '');
  return findings === text ? [text] : findings.split('\n').map((line) => line.trim());
}

const TOO_DEEP = 'yaml: exceeded max depth';

/** Reads a single document. Throws {@link YAMLError}. */
export function parseYAML(text: string): ParsedYAML {
  try {
    return readDocument(text);
  } catch (error) {
    if (error instanceof RangeError) throw new YAMLError(TOO_DEEP);
    throw error;
  }
}

function readDocument(text: string): ParsedYAML {
  const documents = parseAllDocuments(text, {
    version: '1.1',
    customTags: withoutForeignTags,
    uniqueKeys: false,
    merge: true,
    intAsBigInt: true,
    prettyErrors: false,
  });
  if (!Array.isArray(documents) || documents.length === 0) return { value: null };
  if (documents.length > 1) throw new YAMLError('yaml: expected a single document in the stream');
  const document = documents[0] as Document;
  const error = document.errors[0];
  // The reader goes down one call a level, and tells of the end of the stack as of any error.
  if (error?.message.includes('call stack') === true) throw new YAMLError(TOO_DEEP);
  if (error !== undefined) throw new YAMLError(`yaml: ${error.message}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1000 });
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new YAMLError(`yaml: ${(cause as Error).message}`);
  }
  return { value: toJSONData(value), duplicates: findDuplicates(document, text) };
}

/** Numbers that fit become numbers; what JSON cannot hold is refused. */
function toJSONData(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : value;
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new YAMLError(`json: unsupported value: ${value}`);
  if (Array.isArray(value)) return value.map(toJSONData);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJSONData(member)]));
}

function findDuplicates(document: Document, text: string): string | undefined {
  const found: string[] = [];
  visit(document, {
    Map(_key, map) {
      if (!isMap(map)) return;
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = String(key);
        if (name === '<<') continue;
        if (seen.has(name)) {
          const offset = (key as { range?: readonly number[] | null }).range?.[0] ?? 0;
          const line = text.slice(0, offset).split('\n').length;
          found.push(`  line ${line}: key ${JSON.stringify(name)} already set in map`);
        }
        seen.add(name);
      }
    },
  });
  return found.length === 0 ? undefined : `yaml: unmarshal errors:\n${found.join('\n')}`;
}

/** JSON data as YAML, keys sorted, as sigs.k8s.io/yaml writes it. */
export function formatYAML(value: unknown): string {
  return stringify(value, {
    version: '1.1',
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: 'PLAIN',
  });
}
