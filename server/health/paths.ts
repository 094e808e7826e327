/** `/`: the paths there are. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { compareText } from '../../api/machinery/go-format.ts';
import { healthPaths, type HealthCheck } from './health.ts';

/** Every path worth following, sorted. */
export function indexPaths(
  definitions: DefinitionSet,
  checks: readonly HealthCheck[],
  hasOpenAPI: boolean,
): string[] {
  const groups = definitions.groups().flatMap(({ name, versions }) => {
    const root = name === '' ? '/api' : `/apis/${name}`;
    return [root, ...versions.map((version) => `${root}/${version}`)];
  });
  const openAPI = hasOpenAPI ? ['/openapi/v2', '/openapi/v3', '/openapi/v3/'] : [];
  const paths = ['/apis', '/apis/', ...groups, ...healthPaths(checks), ...openAPI, '/version'];
  return paths.sort(compareText);
}
