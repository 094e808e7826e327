import { equalJSON } from '../../api/machinery/equality.ts';
import { newForbidden } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import type { Pod, Toleration } from '../../openapi/generated/core-v1.ts';
import type { RuntimeClass } from '../../openapi/generated/node-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';

const CLASSES = { group: 'node.k8s.io', resource: 'runtimeclasses' };
const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** Pods take overhead, node labels and tolerations from their runtime class. Mirrors plugin/pkg/admission/runtimeclass. */
export function runtimeClass({ reader }: AdmissionContext): AdmissionPlugin {
  const classOf = (request: AdmissionRequest, { spec }: Pod): RuntimeClass | undefined => {
    const name = spec.runtimeClassName;
    if (name === undefined) return undefined;
    const found = reader.get(CLASSES, '', name);
    if (found === undefined) throw refused(request, `pod rejected: RuntimeClass ${goQuote(name)} not found`);
    return found as unknown as RuntimeClass;
  };
  return {
    name: 'RuntimeClass',
    admit: (request) => {
      const pod = newPod(request);
      const found = pod && classOf(request, pod);
      if (pod === undefined || found === undefined) return;
      const overhead = found.overhead?.podFixed;
      if (found.overhead !== undefined) {
        const own = pod.spec.overhead ?? {};
        if (Object.keys(own).length > 0 && !equalJSON(own, overhead)) throw refused(request, MISMATCH);
        if (overhead === undefined) delete pod.spec.overhead;
        else pod.spec.overhead = { ...overhead };
      }
      schedule(request, pod, found);
    },
    validate: (request) => {
      const pod = newPod(request);
      if (pod === undefined) return;
      const found = classOf(request, pod);
      if (found?.overhead === undefined) {
        if (pod.spec.overhead !== undefined)
          throw refused(
            request,
            'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
          );
      } else if (!equalJSON(found.overhead.podFixed, pod.spec.overhead)) throw refused(request, MISMATCH);
    },
  };
}

function newPod({ definition, operation, subresource, object }: AdmissionRequest): Pod | undefined {
  const isPod = definition.group === '' && definition.names.plural === 'pods';
  return isPod && operation === 'CREATE' && subresource === '' ? (object as unknown as Pod) : undefined;
}

function refused({ name }: AdmissionRequest, why: string): Error {
  return newForbidden({ group: '', resource: 'pods' }, name === '' ? 'Unknown' : name, why);
}

function schedule(request: AdmissionRequest, { spec }: Pod, { scheduling }: RuntimeClass): void {
  if (scheduling === undefined) return;
  const own = spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {}))
    if (Object.hasOwn(own, key) && own[key] !== value)
      throw refused(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      );
  if (scheduling.nodeSelector !== undefined) spec.nodeSelector = { ...own, ...scheduling.nodeSelector };
  const tolerations = mergeTolerations([...(spec.tolerations ?? []), ...(scheduling.tolerations ?? [])]);
  if (tolerations.length > 0) spec.tolerations = tolerations;
}

/** Without those that others cover; of equal ones the first stays. */
export function mergeTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  all.forEach((toleration, index) => {
    const isCovered =
      merged.some((other) => covers(other, toleration)) ||
      all.slice(index + 1).some((other) => !equalJSON(other, toleration) && covers(other, toleration));
    if (!isCovered) merged.push({ ...toleration });
  });
  return merged;
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (equalJSON(wide, narrow)) return true;
  const operator = wide.operator ?? '';
  const isAnyKey = (wide.key ?? '') === '' && operator === 'Exists';
  if ((wide.key ?? '') !== (narrow.key ?? '') && !isAnyKey) return false;
  const effect = wide.effect ?? '';
  if (effect !== '' && effect !== (narrow.effect ?? '')) return false;
  if (effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    const seconds = narrow.tolerationSeconds;
    if (seconds === undefined || seconds > wide.tolerationSeconds) return false;
  }
  if (operator === 'Exists') return true;
  return (
    (operator === '' || operator === 'Equal') &&
    narrow.operator === 'Equal' &&
    (narrow.value ?? '') === (wide.value ?? '')
  );
}
