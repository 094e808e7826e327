import { describe, expect, it } from 'vitest';
import { DEFAULT_PLUGINS } from '../../../controllers/scheduler/configuration/default-plugins.ts';
import {
  expandPluginSets,
  mergePluginSets,
  type PluginSets,
} from '../../../controllers/scheduler/configuration/plugin-sets.ts';
import type { ExtensionPoint } from '../../../controllers/scheduler/plugin.ts';
import { REGISTRY } from '../../../controllers/scheduler/registry.ts';

const KNOWN = new Map([...REGISTRY].map(([name, { points }]) => [name, points]));

const expanded = (custom: PluginSets) =>
  expandPluginSets('test', mergePluginSets(DEFAULT_PLUGINS, custom), KNOWN);

const named = (...names: string[]) => names.map((name) => ({ name }));

const SCORES = [
  'TaintToleration',
  'NodeAffinity',
  'NodeResourcesFit',
  'VolumeBinding',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'NodeResourcesBalancedAllocation',
  'ImageLocality',
];

describe('plugins of a profile', () => {
  const cases: { name: string; sets: PluginSets; point: ExtensionPoint; is: string[] }[] = [
    { name: 'are the defaults when nothing is said', sets: {}, point: 'score', is: SCORES },
    {
      name: 'are disabled at one point only',
      sets: { score: { disabled: named('ImageLocality', 'NodeAffinity') } },
      point: 'score',
      is: SCORES.filter((name) => name !== 'ImageLocality' && name !== 'NodeAffinity'),
    },
    {
      name: 'stay enabled at the others',
      sets: { score: { disabled: named('NodeAffinity') } },
      point: 'filter',
      is: [
        'NodeUnschedulable',
        'NodeName',
        'TaintToleration',
        'NodeAffinity',
        'NodePorts',
        'NodeResourcesFit',
        'VolumeRestrictions',
        'NodeVolumeLimits',
        'VolumeBinding',
        'VolumeZone',
        'PodTopologySpread',
        'InterPodAffinity',
        'DynamicResources',
        'NodeDeclaredFeatures',
      ],
    },
    {
      name: 'are none at a point where all are disabled, but those enabled there',
      sets: { score: { disabled: named('*'), enabled: named('ImageLocality') } },
      point: 'score',
      is: ['ImageLocality'],
    },
    {
      name: 'come first when enabled at a point besides everywhere',
      sets: { score: { enabled: named('ImageLocality', 'NodeAffinity') } },
      point: 'score',
      is: [
        'ImageLocality',
        'NodeAffinity',
        ...SCORES.filter((name) => name !== 'ImageLocality' && name !== 'NodeAffinity'),
      ],
    },
    {
      name: 'come last when enabled at a point after being disabled everywhere',
      sets: {
        multiPoint: { disabled: named('NodeAffinity') },
        score: { enabled: named('NodeAffinity') },
      },
      point: 'score',
      is: [...SCORES.filter((name) => name !== 'NodeAffinity'), 'NodeAffinity'],
    },
    {
      name: 'keep their place when enabled everywhere again',
      sets: { multiPoint: { enabled: [{ name: 'NodeAffinity', weight: 9 }] } },
      point: 'score',
      is: SCORES,
    },
    {
      name: 'are those named when all defaults are disabled',
      sets: {
        multiPoint: {
          disabled: named('*'),
          enabled: named('PrioritySort', 'NodeName', 'NodeResourcesFit', 'DefaultBinder'),
        },
      },
      point: 'filter',
      is: ['NodeName', 'NodeResourcesFit'],
    },
  ];
  it.each(cases)('$name', ({ sets, point, is }) => expect(expanded(sets)[point]).toEqual(is));

  it.each<[string, PluginSets, string, number]>([
    ['the default', {}, 'TaintToleration', 3],
    [
      'given everywhere',
      { multiPoint: { enabled: [{ name: 'NodeAffinity', weight: 9 }] } },
      'NodeAffinity',
      9,
    ],
    [
      'given at the point, before the one given everywhere',
      {
        multiPoint: { enabled: [{ name: 'NodeAffinity', weight: 9 }] },
        score: { enabled: [{ name: 'NodeAffinity', weight: 4 }] },
      },
      'NodeAffinity',
      4,
    ],
    ['1 when none is given', { score: { enabled: named('NodeAffinity') } }, 'NodeAffinity', 1],
  ])('have a weight: %s', (_name, sets, plugin, weight) => {
    expect(expanded(sets).weights.get(plugin)).toBe(weight);
  });

  it.each<[string, PluginSets, string]>([
    ['an unknown name', { multiPoint: { enabled: named('Nope') } }, 'PreFilterPlugin "Nope" does not exist'],
    [
      'a plugin that is not asked there',
      { filter: { enabled: named('ImageLocality') } },
      'plugin "ImageLocality" does not extend FilterPlugin plugin',
    ],
    [
      'a plugin named twice at a point',
      { filter: { enabled: named('NodeName', 'NodeName') } },
      'plugin "NodeName" already registered as "FilterPlugin"',
    ],
    [
      'no queue sort',
      { queueSort: { disabled: named('*') } },
      'only one queue sort plugin required for profile with scheduler name "test", but got 0',
    ],
    [
      'nothing that binds',
      { bind: { disabled: named('DefaultBinder') } },
      'at least one bind plugin is needed for profile with scheduler name "test"',
    ],
    [
      'weights that overflow',
      { score: { enabled: [{ name: 'ImageLocality', weight: 2 ** 60 }] } },
      'score plugins: total score of Score plugins could overflow',
    ],
  ])('refuse %s', (_name, sets, message) => expect(() => expanded(sets)).toThrow(message));
});
