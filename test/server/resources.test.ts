import { describe, expect, it } from 'vitest';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { formatGroupResource } from '../../api/machinery/gvk.ts';
import { EXAMPLES } from '../suites/examples.ts';
import { resourceSuite } from '../suites/resource.suite.ts';

/** Kinds that are kept: others answer and forget, or are made up of what others keep. */
const stored = builtInDefinitions().filter(({ verbs }) =>
  ['create', 'delete', 'list'].every((verb) => verbs.includes(verb)),
);

for (const definition of stored) {
  const example =
    EXAMPLES[formatGroupResource({ group: definition.group, resource: definition.names.plural })];
  for (const { name } of definition.versions) {
    if (example !== undefined) resourceSuite(definition, name, example);
  }
}

describe('examples', () => {
  it('are there for every kind that is kept', () => {
    const names = stored.map(({ group, names: { plural } }) =>
      formatGroupResource({ group, resource: plural }),
    );
    expect(Object.keys(EXAMPLES).sort()).toEqual(names.sort());
  });
});
