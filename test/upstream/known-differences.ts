/** Where kubemu's controllers make something else than those of Kubernetes, and why it stays so. */

interface KnownDifference {
  /** Fits the lines of `compare.ts`. */
  readonly line: RegExp;
  readonly why: string;
}

const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    line: /^ConfigMap kube-root-ca.crt: [-+]metadata.annotations.kubernetes.io\/description: /,
    why: 'a text for people, in words of its own',
  },
  {
    line: /^Event: [-+].*(the object has been modified|is out of sync \(stored)/,
    why: 'who of several writers comes first is chance, and tries again',
  },
  {
    line: /^Pod .*: -managed by kube-scheduler \(Update v1 status\)/,
    why: 'left of an attempt that lost such a race',
  },
  {
    line: /^Event: [-+]Normal (WaitForFirstConsumer|WaitForPodScheduled|MissingJob|NoPods) /,
    why: 'said when something is looked at in the moment in between, which is chance',
  },
  {
    line: /^Event: [-+]Warning FailedScheduling .* preemption: not eligible due to a terminating pod on the nominated node\./,
    why: 'a pod is tried again while others leave for it when something happens meanwhile, which is chance',
  },
  {
    line: /^Event: [-+]Normal SuccessfulAttachVolume Pod high : /,
    why: 'whether a node lets go of a volume before the next pod comes for it is a matter of time',
  },
  {
    line: /^Event: [-+]Warning FailedScheduling .*: waiting for ephemeral volume controller to create the persistentvolumeclaim /,
    why: 'whether the claim is made before its pod is looked at is chance',
  },
  {
    line: /^Event: -Normal RecyclerPod /,
    why: 'kubemu wipes volumes without a pod for it',
  },
  {
    line: /^EndpointSlice .*: [-+]metadata.generation: /,
    why: 'how many changes of pods one write takes in is a matter of time',
  },
  {
    line: /^(EndpointSlice|Endpoints) .*: [-+](metadata.annotations.endpoints.kubernetes.io\/last-change-trigger-time|managed by .*f:metadata.f:annotations\..*): /,
    why: 'times have no parts of seconds: the annotation goes when the last write took in no pod of a later second',
  },
];

export function isKnown(line: string): boolean {
  return KNOWN_DIFFERENCES.some((difference) => difference.line.test(line));
}
