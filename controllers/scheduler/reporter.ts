/** Tells the world how scheduling went: events, the pod's condition, the node kept free for it, evictions. */
import { formatTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, EventRecorder } from '../runtime/controller.ts';
import { disruptPod } from '../runtime/disrupt-pod.ts';
import type { Wait } from './plugin.ts';

export class Reporter {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;

  /** `context.client` is the scheduler's. */
  constructor(context: ControllerContext, schedulerName: string) {
    this.#context = context;
    this.#recorder = context.recorder(schedulerName);
  }

  scheduled(pod: Pod, node: string): void {
    const { namespace, name } = pod.metadata;
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    this.#recorder.event(pod, 'Normal', 'Scheduled', message, { action: 'Binding' });
  }

  /** The pod has a node, and is bound there once something has happened. */
  waiting(pod: Pod, { event }: Wait): void {
    if (event === undefined) return;
    const { reason, message } = event;
    this.#recorder.event(pod, 'Normal', reason, message, { action: 'Scheduling' });
  }

  /** `nominated` is the node kept free from now on; undefined leaves that as it is, '' gives it up. */
  async failed(pod: Pod, reason: string, message: string, nominated?: string): Promise<void> {
    this.#recorder.event(pod, 'Warning', 'FailedScheduling', message, { action: 'Scheduling' });
    const before = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
    const keepsNode = nominated === undefined || nominated === (pod.status.nominatedNodeName ?? '');
    if (keepsNode && before?.status === 'False' && before.reason === reason && before.message === message)
      return;
    const now = formatTime(this.#context.clock.now());
    await this.#patchStatus(pod, {
      ...(keepsNode ? {} : { nominatedNodeName: nominated === '' ? null : nominated }),
      conditions: [
        {
          type: 'PodScheduled',
          ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
          status: 'False',
          lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : now,
          reason,
          message,
        },
      ],
    });
  }

  /** The pod is going to be bound to the node. */
  async expect(pod: Pod, node: string): Promise<void> {
    if (pod.status.nominatedNodeName !== node) await this.#patchStatus(pod, { nominatedNodeName: node });
  }

  /** The node is no longer kept free for the pod. */
  async giveUpNode(pod: Pod): Promise<void> {
    await this.#patchStatus(pod, { nominatedNodeName: null });
  }

  /** Evicts a pod for another. */
  async evict(victim: Pod, preemptor: Pod, node: string): Promise<void> {
    const scheduler = preemptor.spec.schedulerName ?? 'default-scheduler';
    const disruption = {
      reason: 'PreemptionByScheduler',
      message: `${scheduler}: preempting to accommodate a higher priority pod`,
      observedGeneration: victim.metadata.generation,
    };
    if (!(await disruptPod(this.#context, victim, disruption))) return;
    const message = `Preempted by pod ${preemptor.metadata.uid} on node ${node}`;
    // Upstream fails to make a reference to the preemptor, and says who it is in the message only.
    this.#recorder.event(victim, 'Normal', 'Preempted', message, { action: 'Preempting' });
  }

  async #patchStatus({ metadata }: Pod, status: object): Promise<void> {
    const { namespace, name, uid } = metadata;
    const body = { metadata: { uid }, status };
    try {
      await this.#context.client.patch(
        pods,
        { namespace, name: name! },
        { type: 'strategic', body },
        { subresource: 'status' },
      );
    } catch (error) {
      // Gone, or another pod of that name by now.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
