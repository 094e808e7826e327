import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schedulerSettings } from '../../../controllers/scheduler/configuration/settings.ts';
import { parseYAML } from '../../../server/negotiation/yaml.ts';
import {
  CONFIGURATION_CASES,
  configurationText,
  type ConfigurationCase,
} from '../../golden/scheduler/configuration-cases.ts';

const file = join(import.meta.dirname, '..', '..', 'golden', 'scheduler', 'configurations.json');
const outcomes = new Map(
  (JSON.parse(readFileSync(file, 'utf8')) as { name: string; error: string | null }[]).map((each) => [
    each.name,
    each.error,
  ]),
);

function load(each: ConfigurationCase): unknown {
  const { value, duplicates } = parseYAML(configurationText(each));
  return schedulerSettings(value, duplicates);
}

function errorOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a configuration of the scheduler with', () => {
  it('has been tried on the real one in every case', () =>
    expect([...outcomes.keys()]).toEqual(CONFIGURATION_CASES.map(({ name }) => name)));

  it.each(CONFIGURATION_CASES)('$name is judged as the real one does', (each) =>
    expect(errorOf(() => load(each))).toBe(outcomes.get(each.name)),
  );

  it.each([
    ['an election', 'leaderElection: {leaderElect: true}', 'leaderElection.leaderElect: Forbidden: '],
    ['a kubeconfig', 'clientConnection: {kubeconfig: /x}', 'clientConnection.kubeconfig: Forbidden: '],
    ['profiling', 'enableProfiling: true', 'enableProfiling: Forbidden: '],
    ['contention profiling', 'enableContentionProfiling: true', 'enableContentionProfiling: Forbidden: '],
    ['a late start', 'delayCacheUntilActive: true', 'delayCacheUntilActive: Forbidden: '],
    ['extenders', 'extenders: [{urlPrefix: "http://x", filterVerb: f}]', 'extenders: Forbidden: '],
    [
      'placements',
      'profiles: [{plugins: {placementScore: {enabled: [{name: NodeResourcesFit}]}}}]',
      'profiles[0].plugins.placementScore: Forbidden: ',
    ],
    [
      'time limits of filters',
      'profiles: [{pluginConfig: [{name: DynamicResources, args: {filterTimeout: 3s}}]}]',
      'profiles[0].pluginConfig[0].args.filterTimeout: Forbidden: ',
    ],
    [
      'another time to bind devices',
      'profiles: [{pluginConfig: [{name: DynamicResources, args: {bindingTimeout: 3s}}]}]',
      'profiles[0].pluginConfig[0].args.bindingTimeout: Forbidden: ',
    ],
    [
      'half a plugin',
      'profiles: [{plugins: {preFilter: {disabled: [{name: NodePorts}]}}}]',
      'plugin "NodePorts" at filter while it is disabled at preFilter',
    ],
  ])('%s is refused by name, as it has no meaning in kubemu', (name, body, message) =>
    expect(errorOf(() => load({ name, body }))).toContain(message),
  );
});
