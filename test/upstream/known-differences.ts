/** Where kubemu's controllers make something else than those of Kubernetes, and why it stays so. */

export interface KnownDifference {
  /** Fits the lines of `compare.ts`. */
  readonly line: RegExp;
  readonly why: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    line: /^ConfigMap kube-root-ca.crt: [-+]metadata.annotations.kubernetes.io\/description: /,
    why: 'a text for people, in words of its own',
  },
];

export function isKnown(line: string): boolean {
  return KNOWN_DIFFERENCES.some((difference) => difference.line.test(line));
}
