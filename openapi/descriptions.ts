/**
 * Field descriptions, read at build time from the type declarations of packages that ship them: @kubernetes/client-node
 * first, @pulumi/kubernetes for what it lacks (fields that refer to other types).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldFacts, TypesFile } from './facts/schema.ts';
import { capital } from './publish-operations.ts';
import type { Descriptions } from './publish.ts';

interface Prose {
  description?: string;
  fields: Record<string, string>;
}

/** Descriptions of every type of the facts, as far as they can be found. `modules` is a node_modules folder. */
export function readDescriptions(modules: string, facts: TypesFile): Descriptions {
  const client = readClientModels(join(modules, '@kubernetes/client-node/dist/gen/models'));
  const pulumi = readPulumiTypes(join(modules, '@pulumi/kubernetes/types/output.d.ts'));
  const descriptions: Record<string, Prose> = {};
  for (const name of Object.keys(facts.types)) {
    const fieldNames = jsonNames(facts, name);
    const model = clientModel(client, name, fieldNames);
    const fallback = pulumi.get(pulumiName(name));
    const fields: Record<string, string> = {};
    for (const field of fieldNames) {
      const text = model?.fields[field] ?? fallback?.fields[field];
      if (text !== undefined) fields[field] = text;
    }
    const description = model?.description ?? fallback?.description;
    if (description !== undefined || Object.keys(fields).length > 0)
      descriptions[name] = { description, fields };
  }
  return descriptions;
}

function jsonNames(facts: TypesFile, name: string): string[] {
  return (facts.types[name]?.fields ?? []).flatMap((field: FieldFacts) =>
    field.inline === true ? jsonNames(facts, field.type) : [field.json!],
  );
}

/** Model classes by name, from those that the package's index exports; the folder holds leftovers of older releases. */
function readClientModels(folder: string): Map<string, Prose> {
  const exported = new Set(
    [...readFileSync(join(folder, 'all.js'), 'utf8').matchAll(/models\/(\w+)\.js/g)].map(
      (match) => match[1]!,
    ),
  );
  const models = new Map<string, Prose>();
  for (const file of readdirSync(folder)) {
    const name = file.replace(/\.d\.ts$/, '');
    if (!file.endsWith('.d.ts') || !exported.has(name)) continue;
    models.set(name, parseClass(readFileSync(join(folder, file), 'utf8')));
  }
  return models;
}

function parseClass(text: string): Prose {
  const fields: Record<string, string> = {};
  for (const [, comment, field] of text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*'(\w+|\$\w+)'\??:/g))
    fields[field!.replace(/^\$|^_/, '')] = plain(comment!);
  const head = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(text)?.[1];
  return { ...(head === undefined ? {} : { description: plain(head) }), fields };
}

/** The class of a definition: `V1Pod`, or with the group in front where kinds of several groups share a name. */
function clientModel(
  models: ReadonlyMap<string, Prose>,
  name: string,
  fields: readonly string[],
): Prose | undefined {
  const parts = name.split('.');
  const kind = parts.at(-1)!;
  const version = capital(parts.at(-2)!);
  const group = capital(parts.at(-3)!);
  const candidates = [`${group}${version}${kind}`, `${version}${kind}`];
  for (const candidate of candidates) {
    const model = models.get(candidate);
    if (model === undefined) continue;
    const known = Object.keys(model.fields);
    if (known.every((field) => fields.includes(field))) return model;
  }
  return undefined;
}

/** Interfaces by `group.version.Name`. */
function readPulumiTypes(file: string): Map<string, Prose> {
  const types = new Map<string, Prose>();
  const path: string[] = [];
  let comment: string[] | undefined;
  let last = '';
  let current: Prose | undefined;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const text = line.trim();
    if (text.startsWith('/**')) comment = [];
    else if (text.startsWith('*/')) {
      last = plain((comment ?? []).join('\n'));
      comment = undefined;
    } else if (comment !== undefined) comment.push(text);
    else if (/^(?:export )?(?:declare )?namespace (\w+) \{/.test(text))
      path.push(/namespace (\w+)/.exec(text)![1]!);
    else if (/^(?:export )?interface (\w+) \{/.test(text)) {
      current = { description: last, fields: {} };
      types.set([...path, /interface (\w+)/.exec(text)![1]!].join('.'), current);
      last = '';
    } else if (text === '}') {
      if (current !== undefined) current = undefined;
      else path.pop();
    } else {
      const field = /^"?(\w+)"?\??:/.exec(text)?.[1];
      if (current !== undefined && field !== undefined && last !== '') current.fields[field] = last;
      last = '';
    }
  }
  return types;
}

/** `io.k8s.api.core.v1.Pod` is `core.v1.Pod`. */
function pulumiName(name: string): string {
  return name.split('.').slice(-3).join('.');
}

/** The text of a comment without its frame and escapes. */
function plain(comment: string): string {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd());
  return lines
    .join('\n')
    .trim()
    .replaceAll(/\\(['"])/g, '$1')
    .replaceAll('*\\/', '*/');
}
