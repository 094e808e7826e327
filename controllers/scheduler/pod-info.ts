/** What the scheduler reads from a pod, worked out once. */
import { selectorFromLabelSelector, type LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { Container, Pod, PodAffinityTerm } from '../../openapi/generated/core-v1.ts';
import { accumulate, amountsOf, copyAmounts, newAmounts, raise, type Amounts } from './amounts.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A term of pod affinity or anti-affinity, its selector read. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: LabelSelectorMatcher;
  /** Namespaces named, or the owner's when none is. */
  readonly namespaces: ReadonlySet<string>;
  /** Chooses further namespaces by their labels. */
  readonly namespaceSelector: LabelSelectorMatcher | undefined;
  /** 0 for required terms. */
  readonly weight: number;
  /** Equal for equal terms, whoever has them. */
  readonly text: string;
}

export interface PodInfo {
  readonly pod: Pod;
  readonly requests: Amounts;
  /** What scoring counts: containers that ask for nothing are taken to need a little. */
  readonly scored: { readonly cpu: number; readonly memory: number };
  readonly isBestEffort: boolean;
  readonly ports: readonly HostPort[];
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

/** What a container without a request is taken to need when nodes are scored. Mirrors scheduler/util pod_resources.go. */
const UNREQUESTED = { cpu: 100, memory: 200 * 1024 * 1024 } as const;

const infos = new WeakMap<Pod, PodInfo>();

export function podInfoOf(pod: Pod): PodInfo {
  let info = infos.get(pod);
  if (info === undefined) infos.set(pod, (info = newPodInfo(pod)));
  return info;
}

/** The same facts about a newer version of a pod whose spec and labels are unchanged. */
export function withPod(info: PodInfo, pod: Pod): PodInfo {
  return { ...info, pod };
}

const NO_TERMS: readonly AffinityTerm[] = [];

function newPodInfo(pod: Pod): PodInfo {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const requests = podRequests(pod, requestsOf);
  const scored = podRequests(pod, scoredRequestsOf);
  return {
    pod,
    requests,
    scored: { cpu: scored.cpu, memory: scored.memory },
    isBestEffort: requests.cpu === 0 && requests.memory === 0,
    ports: hostPorts(pod),
    affinity: requiredTerms(pod, podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: requiredTerms(pod, podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferredTerms(pod, podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferredTerms(
      pod,
      podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution,
    ),
  };
}

function requiredTerms(pod: Pod, terms: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] {
  return terms === undefined ? NO_TERMS : terms.map((term) => readTerm(pod, term, 0));
}

function preferredTerms(
  pod: Pod,
  terms: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined,
): readonly AffinityTerm[] {
  if (terms === undefined) return NO_TERMS;
  return terms.map(({ weight, podAffinityTerm }) => readTerm(pod, podAffinityTerm, weight));
}

/** An absent label selector matches nothing, an empty one everything. */
function readTerm(pod: Pod, term: PodAffinityTerm, weight: number): AffinityTerm {
  const named = term.namespaces ?? [];
  const isOwn = named.length === 0 && term.namespaceSelector === undefined;
  const namespaces = isOwn ? [pod.metadata.namespace!] : [...named].sort();
  const selector = selectorFromLabelSelector(withLabelKeys(pod, term));
  return {
    topologyKey: term.topologyKey,
    selector,
    namespaces: new Set(namespaces),
    namespaceSelector:
      term.namespaceSelector === undefined ? undefined : selectorFromLabelSelector(term.namespaceSelector),
    weight,
    text: JSON.stringify([
      term.topologyKey,
      namespaces,
      term.namespaceSelector,
      term.labelSelector === undefined ? null : selector.toString(),
      weight,
    ]),
  };
}

/** The selector with the keys whose values are to be the pod's, or not. Mirrors pod strategy applyLabelKeys. */
export function withLabelKeys(
  pod: Pod,
  term: Pick<PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>,
): PodAffinityTerm['labelSelector'] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (labelSelector === undefined || matchLabelKeys.length + mismatchLabelKeys.length === 0)
    return labelSelector;
  const labels = pod.metadata.labels ?? {};
  const requirement = (operator: 'In' | 'NotIn') => (key: string) =>
    labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }];
  return {
    ...labelSelector,
    matchExpressions: [
      ...(labelSelector.matchExpressions ?? []),
      ...matchLabelKeys.flatMap(requirement('In')),
      ...mismatchLabelKeys.flatMap(requirement('NotIn')),
    ],
  };
}

/**
 * What a pod asks of a node: the sum of its containers and sidecars, or the largest init container if that is more, plus
 * overhead. Mirrors component-helpers resource PodRequests.
 */
function podRequests({ spec }: Pod, of: (container: Container) => Amounts): Amounts {
  const total = newAmounts();
  for (const container of spec.containers) accumulate(total, of(container));
  const sidecars = newAmounts();
  const peaks = newAmounts();
  for (const container of spec.initContainers ?? []) {
    const requests = of(container);
    if (container.restartPolicy === 'Always') {
      accumulate(total, requests);
      accumulate(sidecars, requests);
      raise(peaks, sidecars);
    } else {
      const peak = copyAmounts(sidecars);
      accumulate(peak, requests);
      raise(peaks, peak);
    }
  }
  raise(total, peaks);
  const own = spec.resources?.requests;
  if (own !== undefined) {
    const amounts = amountsOf(own);
    if (own['cpu'] !== undefined) total.cpu = amounts.cpu;
    if (own['memory'] !== undefined) total.memory = amounts.memory;
    for (const [name, amount] of amounts.scalars) total.scalars.set(name, amount);
  }
  if (spec.overhead !== undefined) accumulate(total, amountsOf(spec.overhead));
  return total;
}

function requestsOf({ resources }: Container): Amounts {
  return amountsOf(resources?.requests);
}

function scoredRequestsOf({ resources }: Container): Amounts {
  const amounts = amountsOf(resources?.requests);
  if (resources?.requests?.['cpu'] === undefined) amounts.cpu = UNREQUESTED.cpu;
  if (resources?.requests?.['memory'] === undefined) amounts.memory = UNREQUESTED.memory;
  return amounts;
}

/** Ports of the node that the pod's containers claim. */
function hostPorts({ spec }: Pod): HostPort[] {
  const lasting = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...lasting].flatMap((container) =>
    (container.ports ?? [])
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ hostIP = '', protocol, hostPort }) => ({
        ip: hostIP === '' ? '0.0.0.0' : hostIP,
        protocol: protocol ?? 'TCP',
        port: hostPort!,
      })),
  );
}

/** Two ports that one node cannot give to two pods. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
  return sameAddress && a.port === b.port && a.protocol === b.protocol;
}

/** Names of the claims a pod mounts, generic ephemeral volumes included. */
export function claimNames(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => claimOfVolume(pod, volume) ?? []);
}

/** Name of the claim that a volume of the pod is, generic ephemeral ones included. */
export function claimOfVolume(
  { metadata }: Pod,
  volume: NonNullable<Pod['spec']['volumes']>[number],
): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${metadata.name}-${volume.name}`;
}

export function priorityOf({ spec }: Pod): number {
  return spec.priority ?? 0;
}
