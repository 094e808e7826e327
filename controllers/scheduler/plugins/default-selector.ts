/** Which pods are the same thing as a pod: those of its services and of what made it. Mirrors plugins/helper/spread.go. */
import {
  LabelSelectorMatcher,
  selectorFromLabels,
  selectorFromLabelSelector,
} from '../../../api/machinery/labels.ts';
import type { LabelRequirement } from '../../../api/machinery/label-requirement.ts';
import { controllerOf, type KubeObject } from '../../../api/machinery/object-meta.ts';
import {
  replicaSets,
  statefulSets,
  type ReplicaSet,
  type StatefulSet,
} from '../../../openapi/generated/apps-v1.ts';
import {
  replicationControllers,
  services,
  type Pod,
  type ReplicationController,
  type Service,
} from '../../../openapi/generated/core-v1.ts';
import type { ControllerContext, Informer } from '../../runtime/controller.ts';

export interface WorkloadCaches {
  readonly services: Informer<Service>;
  readonly controllers: Informer<ReplicationController>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly statefulSets: Informer<StatefulSet>;
}

const SELECTOR_INDEX = 'selector';

export function workloadCaches(context: Pick<ControllerContext, 'informer'>): WorkloadCaches {
  const caches = {
    services: context.informer(services),
    controllers: context.informer(replicationControllers),
    replicaSets: context.informer(replicaSets),
    statefulSets: context.informer(statefulSets),
  };
  caches.services.addIndex(SELECTOR_INDEX, ({ metadata, spec }) => {
    const [key] = Object.keys(spec.selector ?? {}).sort();
    return key === undefined ? [] : [`${metadata.namespace}/${key}=${spec.selector![key]}`];
  });
  return caches;
}

/** Undefined when nothing selects the pod. */
export function defaultSelector(pod: Pod, caches: WorkloadCaches): LabelSelectorMatcher | undefined {
  const selecting = servicesOf(pod, caches);
  const owner = ownerSelector(pod, caches);
  if (selecting.length === 0) return owner;
  const requirements: LabelRequirement[] = [];
  for (const { spec } of selecting) requirements.push(...selectorFromLabels(spec.selector).requirements);
  requirements.push(...(owner?.requirements ?? []));
  return new LabelSelectorMatcher(requirements);
}

function servicesOf({ metadata }: Pod, { services: informer }: WorkloadCaches): Service[] {
  const labels = metadata.labels ?? {};
  const found: Service[] = [];
  for (const key in labels) {
    for (const service of informer.byIndex(SELECTOR_INDEX, `${metadata.namespace}/${key}=${labels[key]}`)) {
      const { selector } = service.spec;
      if (Object.keys(selector!).every((each) => labels[each] === selector![each])) found.push(service);
    }
  }
  return found;
}

function ownerSelector(pod: Pod, caches: WorkloadCaches): LabelSelectorMatcher | undefined {
  const owner = controllerOf(pod);
  if (owner === undefined) return undefined;
  const find = <T extends KubeObject>(informer: Informer<T>): T | undefined =>
    informer.get(`${pod.metadata.namespace}/${owner.name}`);
  switch (owner.kind) {
    case 'ReplicationController': {
      const selector = find(caches.controllers)?.spec?.selector;
      return selector === undefined ? undefined : selectorFromLabels(selector);
    }
    case 'ReplicaSet':
      return selectorOf(find(caches.replicaSets)?.spec?.selector);
    case 'StatefulSet':
      return selectorOf(find(caches.statefulSets)?.spec?.selector);
    default:
      return undefined;
  }
}

type LabelSelector = NonNullable<Parameters<typeof selectorFromLabelSelector>[0]>;

const read = new WeakMap<LabelSelector, LabelSelectorMatcher>();

function selectorOf(selector: LabelSelector | undefined): LabelSelectorMatcher | undefined {
  if (selector === undefined) return undefined;
  let matcher = read.get(selector);
  if (matcher === undefined) read.set(selector, (matcher = selectorFromLabelSelector(selector)));
  return matcher;
}
