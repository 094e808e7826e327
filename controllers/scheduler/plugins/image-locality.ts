/** Prefers nodes that have the pod's images. Mirrors imagelocality. */
import type { Plugin } from '../plugin.ts';

const MEBIBYTE = 1024 * 1024;
/** Images below the first in all count for nothing, above the second (for each container) for 100. */
const THRESHOLD_BYTES = { min: 23 * MEBIBYTE, maxPerContainer: 1000 * MEBIBYTE } as const;

export const imageLocality: Plugin = {
  name: 'ImageLocality',
  prepare: ({ pod }, { cache }) => {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const names = containers.map(({ image = '' }) => normalizedImageName(image));
    if (!names.some((name) => cache.imageNodes.has(name))) return undefined;
    const total = cache.nodes.length;
    return {
      score: (nodes) =>
        nodes.map(({ images }) => {
          let sum = 0;
          for (const name of names) {
            const size = images.get(name);
            // An image that few nodes have draws less, so that pods do not all go to them.
            if (size !== undefined) sum += Math.floor(size * (cache.imageNodes.get(name)! / total));
          }
          return scaled(sum, names.length);
        }),
    };
  },
};

function scaled(sumBytes: number, containers: number): number {
  const max = THRESHOLD_BYTES.maxPerContainer * containers;
  const bounded = Math.min(Math.max(sumBytes, THRESHOLD_BYTES.min), max);
  return Math.floor((100 * (bounded - THRESHOLD_BYTES.min)) / (max - THRESHOLD_BYTES.min));
}

function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}
