/** Which plugins are asked at which extension point. Mirrors apis/config/v1 mergePlugins and framework/runtime NewFramework. */
import { EXTENSION_POINTS, type ExtensionPoint } from '../plugin.ts';

export interface EnabledPlugin {
  readonly name: string;
  /** Of its scores; 0 and absent count as 1. */
  readonly weight?: number;
}

export interface PluginSet {
  readonly enabled?: readonly EnabledPlugin[];
  /** `*` is all. */
  readonly disabled?: readonly EnabledPlugin[];
}

export type PluginSets = { readonly [Point in ExtensionPoint | 'multiPoint']?: PluginSet };

/** Points at which each known plugin can be asked. */
export type PluginPoints = ReadonlyMap<string, ReadonlySet<ExtensionPoint>>;

/** Names at each point, in the order they are asked. */
export type ExpandedPlugins = Readonly<Record<ExtensionPoint, readonly string[]>> & {
  readonly weights: ReadonlyMap<string, number>;
};

const ALL = '*';

/** The order in which upstream puts points together, and so comes upon what is wrong. */
const EXPANSION_ORDER: readonly ExtensionPoint[] = [
  'preFilter',
  'filter',
  'postFilter',
  'reserve',
  'preScore',
  'score',
  'preBind',
  'bind',
  'postBind',
  'permit',
  'preEnqueue',
  'queueSort',
];

/** The defaults with what a profile enables and disables; re-enabling a default keeps its place. */
function mergePluginSet(defaults: PluginSet, custom: PluginSet): PluginSet {
  const disabled = [...(custom.disabled ?? []), ...(defaults.disabled ?? [])].map(({ name }) => ({ name }));
  const isOff = new Set(disabled.map(({ name }) => name));
  const left = [...(custom.enabled ?? [])];
  const enabled: EnabledPlugin[] = [];
  for (const plugin of isOff.has(ALL) ? [] : (defaults.enabled ?? [])) {
    if (isOff.has(plugin.name)) continue;
    const at = left.findLastIndex(({ name }) => name === plugin.name);
    enabled.push(at === -1 ? plugin : left.splice(at, 1)[0]!);
  }
  return { enabled: [...enabled, ...left], disabled };
}

export function mergePluginSets(defaults: PluginSets, custom: PluginSets): PluginSets {
  const merged: { -readonly [Point in keyof PluginSets]: PluginSet } = {};
  for (const point of ['multiPoint', ...EXTENSION_POINTS] as const)
    merged[point] = mergePluginSet(defaults[point] ?? {}, custom[point] ?? {});
  return merged;
}

/** Throws upstream's errors: what scheduler would refuse to start with. */
export function expandPluginSets(
  schedulerName: string,
  sets: PluginSets,
  known: PluginPoints,
): ExpandedPlugins {
  const points = Object.fromEntries(
    EXPANSION_ORDER.map((point) => [point, expandPoint(point, sets, known)]),
  ) as Record<ExtensionPoint, string[]>;
  if (points.queueSort.length !== 1) {
    throw new Error(
      `only one queue sort plugin required for profile with scheduler name "${schedulerName}", but got ${points.queueSort.length}`,
    );
  }
  if (points.bind.length === 0)
    throw new Error(`at least one bind plugin is needed for profile with scheduler name "${schedulerName}"`);
  return { ...points, weights: weightsOf(sets, known) };
}

/** Go's names of the points, as upstream's errors have them. */
function interfaceOf(point: ExtensionPoint): string {
  return `${point[0]!.toUpperCase()}${point.slice(1)}Plugin`;
}

function expandPoint(point: ExtensionPoint, sets: PluginSets, known: PluginPoints): string[] {
  const set = sets[point] ?? {};
  const own = ownPlugins(point, set, known);
  const isOff = new Set((set.disabled ?? []).map(({ name }) => name));
  if (isOff.has(ALL)) return own;
  const overrides = new Set<string>();
  const everywhere: string[] = [];
  for (const { name } of sets.multiPoint?.enabled ?? []) {
    const points = known.get(name);
    if (points === undefined) throw new Error(`${interfaceOf(point)} "${name}" does not exist`);
    if (!points.has(point) || isOff.has(name)) continue;
    if (own.includes(name)) overrides.add(name);
    else if (everywhere.includes(name))
      throw new Error(`plugin "${name}" already registered as "${interfaceOf(point)}"`);
    else everywhere.push(name);
  }
  return [
    ...own.filter((name) => overrides.has(name)),
    ...everywhere,
    ...own.filter((name) => !overrides.has(name)),
  ];
}

function ownPlugins(point: ExtensionPoint, { enabled = [] }: PluginSet, known: PluginPoints): string[] {
  const own: string[] = [];
  for (const { name } of enabled) {
    const points = known.get(name);
    if (points === undefined) throw new Error(`${interfaceOf(point)} "${name}" does not exist`);
    if (!points.has(point)) throw new Error(`plugin "${name}" does not extend ${interfaceOf(point)} plugin`);
    if (own.includes(name)) throw new Error(`plugin "${name}" already registered as "${interfaceOf(point)}"`);
    own.push(name);
  }
  return own;
}

const MAX_SCORE = 100;
/** Scores are added up in 64 bits upstream. */
const MAX_TOTAL_SCORE = 2 ** 63 - 1;

function weightsOf(sets: PluginSets, known: PluginPoints): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  let total = 0;
  for (const { name, weight = 0 } of [...(sets.score?.enabled ?? []), ...(sets.multiPoint?.enabled ?? [])]) {
    if (known.get(name)?.has('score') !== true || weights.has(name)) continue;
    const effective = weight === 0 ? 1 : weight;
    if (effective * MAX_SCORE > MAX_TOTAL_SCORE - total)
      throw new Error('score plugins: total score of Score plugins could overflow');
    weights.set(name, effective);
    total += effective * MAX_SCORE;
  }
  return weights;
}
