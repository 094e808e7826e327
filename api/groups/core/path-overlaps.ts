/** Files of one volume that would hide each other. Mirrors warningsForOverlappingVirtualPaths of pkg/api/pod. */
import { goQuote } from '../../machinery/go-format.ts';
import type { Volume, VolumeProjection } from '../../../openapi/generated/core-v1.ts';

interface PlacedPath {
  readonly path: string;
  /** What the path comes from, '' in volumes of one source. */
  readonly source: string;
}

type Paths = readonly { readonly path?: string }[] | undefined;

function pathsOf(items: Paths, source = ''): PlacedPath[] {
  return (items ?? []).map(({ path = '' }) => ({ path, source }));
}

function shown({ path, source }: PlacedPath): string {
  return source === '' ? goQuote(path) : `${goQuote(path)} (${source})`;
}

function isOverlapping(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}

/** Adds paths to those that stand already; returns what overlaps. */
function addPaths(all: PlacedPath[], paths: readonly PlacedPath[]): string[] {
  return paths.flatMap((own) => {
    const placed = { ...own, path: own.path.replace(/\/+$/, '') };
    const overlaps =
      placed.path === ''
        ? []
        : all.filter((other) => other.path !== '' && isOverlapping(other.path, placed.path));
    all.push(placed);
    return overlaps.map((other) => `${shown(placed)} with ${shown(other)}`);
  });
}

export function pathOverlapWarnings(volumes: readonly Volume[]): string[] {
  return volumes.flatMap((volume) => {
    const { name, configMap, secret, downwardAPI, projected } = volume;
    const texts: string[] = [];
    const add = (what: string, overlaps: readonly string[]): void => {
      for (const overlap of overlaps)
        texts.push(`volume ${goQuote(name)} (${what}): overlapping paths: ${overlap}`);
    };
    if (configMap !== undefined)
      add(`ConfigMap ${goQuote(configMap.name ?? '')}`, addPaths([], pathsOf(configMap.items)));
    if (secret !== undefined)
      add(`Secret ${goQuote(secret.secretName ?? '')}`, addPaths([], pathsOf(secret.items)));
    if (downwardAPI !== undefined) add('DownwardAPI', addPaths([], pathsOf(downwardAPI.items)));
    const all: PlacedPath[] = [];
    for (const source of projected?.sources ?? []) {
      if (Object.values(source).every((member) => member === undefined))
        texts.push(`volume ${goQuote(name)} (Projected) has no sources provided`);
      else add('Projected', addPaths(all, projectedPaths(source)));
    }
    return texts;
  });
}

function projectedPaths(source: VolumeProjection): PlacedPath[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap?.items !== undefined)
    return pathsOf(configMap.items, `ConfigMap ${goQuote(configMap.name ?? '')}`);
  if (secret?.items !== undefined) return pathsOf(secret.items, `Secret ${goQuote(secret.name ?? '')}`);
  if (downwardAPI?.items !== undefined) return pathsOf(downwardAPI.items, 'DownwardAPI');
  return serviceAccountToken === undefined ? [] : pathsOf([serviceAccountToken], 'ServiceAccountToken');
}
