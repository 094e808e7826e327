/** Writes docs/reference/validation.md from the golden cases. `npm run generate`; CI checks that it is current. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import type { RuleFile } from '../suites/rule-cases.ts';
import { formatRules, type KindRules } from '../suites/rule-table.ts';

const folder = join(import.meta.dirname, 'rules');
const names = readdirSync(folder).sort();
const kinds: KindRules[] = [];
const unchecked: string[] = [];
for (const { group, names: own, storedAs } of builtInDefinitions()) {
  if (storedAs.group !== group) continue;
  const resource = formatGroupResource({ group, resource: own.plural });
  const files = names
    .filter((name) => name.replace(/(~\d+)?\.json$/, '') === resource)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RuleFile);
  if (files.length > 0) kinds.push({ resource, kind: own.kind, files });
  else unchecked.push(own.kind);
}
const target = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'validation.md');
writeFileSync(target, formatRules(kinds, unchecked));
