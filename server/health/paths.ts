/** `/`: the paths there are. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { compareText } from '../../api/machinery/go-format.ts';
import { healthPaths, type HealthCheck } from './health.ts';

/** Every path worth following, sorted; `others` are those that only some servers have. */
export function indexPaths(
  definitions: DefinitionSet,
  checks: readonly HealthCheck[],
  others: readonly string[],
): string[] {
  const groups = definitions.groups().flatMap(({ name, versions }) => {
    const root = name === '' ? '/api' : `/apis/${name}`;
    return [root, ...versions.map((version) => `${root}/${version}`)];
  });
  const paths = ['/apis', '/apis/', ...groups, ...healthPaths(checks), ...others, '/version'];
  return paths.sort(compareText);
}
