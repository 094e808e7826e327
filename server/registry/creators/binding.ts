/** Sets the node of a pod, once. Mirrors registry/core/pod/storage BindingREST. */
import { newBadRequest, newConflict, newNotFound, StatusError } from '../../../api/machinery/errors.ts';
import { formatTime } from '../../../api/machinery/clock.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { notSupported, required } from '../../../api/machinery/field-errors.ts';
import type { Binding, Pod, PodCondition } from '../../../openapi/generated/core-v1.ts';
import { SUCCESS, type Creator } from './creator.ts';

const PODS = { group: '', resource: 'pods' };

export const bind: Creator = async ({ options, context, target, object, body, writeOptions }) => {
  const { registry, clock } = options;
  const binding = body as unknown as Binding;
  if ((binding.metadata.name ?? '') !== object.name)
    throw newBadRequest('name in URL does not match name in Binding object');
  validateBinding(binding);
  const updater = (current: UnknownObject | undefined): UnknownObject => {
    if (current === undefined) throw newNotFound(PODS, object.name);
    const pod = current as unknown as Pod;
    checkPod(pod, binding);
    return assign(pod, binding, formatTime(clock.now())) as unknown as UnknownObject;
  };
  await registry.update(context, target, object, updater, {
    ...writeOptions,
    tracked: false,
    subresource: { name: 'binding', verbs: ['create'] },
  });
  return SUCCESS;
};

/** Upstream answers with a bare error, so with 500. */
function validateBinding({ target }: Binding): void {
  const { kind = '', name = '' } = target ?? {};
  const errors = [
    ...(kind === '' || kind === 'Node' ? [] : [notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(name === '' ? [required('target.name')] : []),
  ];
  if (errors.length === 0) return;
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  throw new StatusError('', texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`, { code: 500 });
}

function checkPod({ metadata, spec }: Pod, binding: Binding): void {
  const { uid = '', resourceVersion = '' } = binding.metadata;
  if (uid !== '' && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
    throw newConflict(PODS, metadata.name!, why);
  }
  if (resourceVersion !== '' && resourceVersion !== metadata.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw newConflict(PODS, metadata.name!, why);
  }
  const refuse = (why: string): StatusError =>
    newConflict({ group: '', resource: 'pods/binding' }, metadata.name!, `pod ${metadata.name} ${why}`);
  if (metadata.deletionTimestamp !== undefined)
    throw refuse('is being deleted, cannot be assigned to a host');
  if ((spec.nodeName ?? '') !== '') throw refuse(`is already assigned to node "${spec.nodeName}"`);
  if ((spec.schedulingGates ?? []).length > 0) throw refuse('has non-empty .spec.schedulingGates');
}

function assign(pod: Pod, { metadata: { annotations, labels }, target }: Binding, now: string): Pod {
  const { nominatedNodeName: _, ...status } = pod.status;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(annotations === undefined ? {} : { annotations: { ...pod.metadata.annotations, ...annotations } }),
      ...(labels === undefined ? {} : { labels: { ...pod.metadata.labels, ...labels } }),
    },
    spec: { ...pod.spec, nodeName: target.name },
    status: { ...status, conditions: withScheduled(pod, now) },
  };
}

function withScheduled(pod: Pod, now: string): PodCondition[] {
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const generation = pod.metadata.generation;
  return [
    ...others,
    {
      type: 'PodScheduled',
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status: 'True',
      lastTransitionTime: now,
    },
  ];
}
