import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DefinitionSet } from '../../../api/definition-set.ts';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import { runCase, type RuleFile } from '../../suites/rule-cases.ts';

const FOLDER = new URL('../../golden/rules/', import.meta.url);
const definitions = new DefinitionSet(builtInDefinitions());

for (const name of readdirSync(FOLDER)) {
  const [plural = '', ...group] = name.replace(/(~\d+)?\.json$/, '').split('.');
  const definition = definitions.findResource(group.join('.'), plural)!;
  const file = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as RuleFile;
  describe(`${definition.names.kind} answers as Kubernetes does`, () => {
    for (const rule of file.cases) {
      const { on, set, old, ...expected } = rule;
      it(`${on} ${JSON.stringify(set)}${old === undefined ? '' : ` of ${JSON.stringify(old)}`}`, () => {
        expect(runCase(definition, file, rule)).toEqual(expected);
      });
    }
  });
}
