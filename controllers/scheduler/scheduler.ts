/** Gives every pod of its profiles a node. Mirrors kube-scheduler; see docs/reference/scheduler.md. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { namespaces, nodes, pods, type Node, type Pod } from '../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets, type PodDisruptionBudget } from '../../openapi/generated/policy-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { sameLabels, SchedulerCache } from './cache.ts';
import { deviceCaches, type DeviceCaches } from './devices/caches.ts';
import { deviceClaimNames } from './devices/pod-claims.ts';
import { fitMessage, NO_NODES, preFilterMessage } from './fit-error.ts';
import type { PluginArguments } from './configuration/types.ts';
import type { NodeInfo } from './node-info.ts';
import { Nominations } from './nominations.ts';
import { workloadCaches } from './plugins/default-selector.ts';
import { volumeLimit } from './plugins/storage-capacity.ts';
import { volumeCaches, type VolumeCaches } from './plugins/volumes.ts';
import { podInfoOf, priorityOf } from './pod-info.ts';
import { SchedulingError, type Plugin, type Rejection, type Surroundings } from './plugin.ts';
import { findPreemption, type Preemption } from './preemption.ts';
import { DEFAULT_SCHEDULER } from './configuration/defaults.ts';
import { DEFAULT_SETTINGS, type SchedulerSettings } from './configuration/settings.ts';
import { newProfile, type Profile } from './profile.ts';
import { pluginsOf, SchedulingQueue } from './queue.ts';
import { Reporter } from './reporter.ts';
import { Scheduling, type Attempt, type Outcome } from './scheduling.ts';
import { VolumeBinder } from './volume-binder.ts';

const DEFINITION: Omit<ControllerDefinition, 'setup'> = {
  name: 'scheduler',
  description: {
    does: 'Gives pods a node, by the filters and scores of the default profile, preempting where priorities allow.',
    watches: [
      'csidrivers',
      'csinodes',
      'csistoragecapacities',
      'deviceclasses',
      'namespaces',
      'nodes',
      'persistentvolumeclaims',
      'persistentvolumes',
      'poddisruptionbudgets',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'resourceclaims',
      'resourceslices',
      'services',
      'statefulsets',
      'storageclasses',
    ],
    writes: [
      'persistentvolumeclaims',
      'persistentvolumes',
      'pods',
      'pods/binding',
      'pods/status',
      'resourceclaims',
      'resourceclaims/status',
    ],
    events: ['BindingConditionsPending', 'FailedScheduling', 'Preempted', 'Scheduled'],
    leavesOut: ['extenders', 'pod groups'],
  },
};

/** The scheduler with its profiles and back-offs. */
export function newSchedulerController(settings: SchedulerSettings): ControllerDefinition {
  return { ...DEFINITION, setup: (context) => new Scheduler(context, settings) };
}

/** As it is when nobody configures it. */
export const schedulerController = newSchedulerController(DEFAULT_SETTINGS);

class Scheduler implements RunningController {
  readonly #context: ControllerContext;
  readonly #profiles: ReadonlyMap<string, { readonly profile: Profile; readonly reporter: Reporter }>;
  readonly #pods: Informer<Pod>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #cache = new SchedulerCache();
  readonly #nominations = new Nominations();
  readonly #scheduling: Scheduling;
  readonly #binder: VolumeBinder;
  readonly #queue: SchedulingQueue;
  readonly #around: Surroundings;
  /** Pods that are not to be tried before a claim is there, by the claim. */
  readonly #awaited = new Map<string, Set<string>>();
  #started = false;
  #running = false;

  constructor(base: ControllerContext, { profiles, backOffMs }: SchedulerSettings) {
    const context = { ...base, client: base.client.as('kube-scheduler') };
    this.#context = context;
    this.#profiles = new Map(
      profiles.map((options) => {
        const { schedulerName } = options;
        return [
          schedulerName,
          { profile: newProfile(options), reporter: new Reporter(context, schedulerName) },
        ];
      }),
    );
    this.#pods = context.informer(pods);
    this.#budgets = context.informer(podDisruptionBudgets);
    const volumes = volumeCaches(context);
    this.#binder = new VolumeBinder(context, volumes);
    this.#around = {
      cache: this.#cache,
      volumes,
      volumeBinder: this.#binder,
      workloads: workloadCaches(context),
      namespaces: context.informer(namespaces),
      devices: deviceCaches(context),
    };
    this.#scheduling = new Scheduling(this.#around, this.#nominations, context.random);
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      backOffMs,
      wake: () => this.#wake(),
      mayHelp: (plugin, key, event) => {
        const pod = this.#pods.get(key);
        if (pod === undefined) return false;
        const { plugins } = this.#profileOf(pod).profile;
        return plugins.find(({ name }) => name === plugin)?.mayHelp?.(pod, event) === true;
      },
    });
    this.#watch(volumes);
    this.#watchDevices(this.#around.devices);
  }

  start(): void {
    this.#started = true;
    this.#wake();
  }

  stop(): void {
    this.#started = false;
    this.#queue.stop();
    this.#binder.stop();
    this.#around.devices.waits.stop();
  }

  #watch(volumes: VolumeCaches): void {
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
    this.#context.informer(nodes).addHandler({
      added: (node) => {
        this.#cache.setNode(node);
        this.#queue.happened({ kind: 'node-added', node });
      },
      updated: (node, old) => {
        if (!affectsScheduling(node, old)) return;
        this.#cache.setNode(node);
        this.#queue.happened({ kind: 'node-updated', node, old });
      },
      deleted: (node) => this.#cache.removeNode(node.metadata.name!),
    });
    volumes.claims.addHandler({
      added: (claim) => this.#queue.happened({ kind: 'claim-changed', claim }),
      updated: (claim) => this.#queue.happened({ kind: 'claim-changed', claim }),
    });
    const volumesChanged = (): void => this.#queue.happened({ kind: 'volumes-changed' });
    for (const informer of [volumes.volumes, volumes.classes, volumes.csiNodes])
      (informer as Informer<Node>).addHandler({ added: volumesChanged, updated: volumesChanged });
    const moreRoom = (): void => this.#queue.happened({ kind: 'more-room-for-volumes' });
    volumes.capacities.addHandler({
      added: moreRoom,
      updated: (capacity, old) => {
        if ((volumeLimit(capacity) ?? -1n) > (volumeLimit(old) ?? -1n)) moreRoom();
      },
    });
  }

  #watchDevices({ claims, classes, slices }: DeviceCaches): void {
    claims.addHandler({
      added: (claim) => {
        this.#lookAtWaiting(keyOf(claim));
        this.#queue.happened({ kind: 'device-claim-changed', claim });
      },
      updated: (claim, old) => {
        this.#lookAtWaiting(keyOf(claim));
        this.#queue.happened({ kind: 'device-claim-changed', claim, old });
      },
    });
    const devicesChanged = (): void => this.#queue.happened({ kind: 'devices-changed' });
    for (const informer of [classes, slices])
      (informer as Informer<Node>).addHandler({ added: devicesChanged, updated: devicesChanged });
  }

  /** Pods that wait for the claim may be ready to be tried. */
  #lookAtWaiting(claim: string): void {
    const waiting = this.#awaited.get(claim);
    if (waiting === undefined) return;
    this.#awaited.delete(claim);
    for (const key of waiting) {
      const pod = this.#pods.get(key);
      if (pod !== undefined && (pod.spec.nodeName ?? '') === '') this.#podChanged(pod);
    }
  }

  #podChanged(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    const ended = isPodTerminal(pod);
    if ((pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      this.#nominations.clear(pod.metadata.uid!);
      if (ended) this.#release(pod);
      else this.#place(pod, pod.spec.nodeName!, old);
      return;
    }
    const isMine = this.#profiles.has(pod.spec.schedulerName ?? DEFAULT_SCHEDULER);
    if (!isMine || ended || pod.metadata.deletionTimestamp !== undefined) {
      this.#queue.remove(key);
      this.#nominations.clear(pod.metadata.uid!);
      return;
    }
    // It was placed a moment ago, and is on its way to its node.
    if (this.#cache.isPlaced(pod.metadata.uid!)) return;
    const nominated = pod.status.nominatedNodeName ?? '';
    if (nominated !== '') this.#nominations.set(pod, nominated);
    const isSame =
      old !== undefined &&
      pod.metadata.generation === old.metadata.generation &&
      sameLabels(pod.metadata.labels, old.metadata.labels) &&
      equalJSON(pod.status.resourceClaimStatuses, old.status.resourceClaimStatuses);
    if (isSame) return;
    this.#enqueue(pod);
  }

  #enqueue(pod: Pod): void {
    const { profile } = this.#profileOf(pod);
    const isGated = profile.at.preEnqueue.some(
      (plugin) => plugin.preEnqueue?.(pod, this.#around) !== undefined,
    );
    if (isGated) this.#awaitClaims(pod);
    this.#queue.add(keyOf(pod), priorityOf(pod), isGated);
  }

  #awaitClaims(pod: Pod): void {
    for (const { name } of deviceClaimNames(pod).names) {
      const claim = `${pod.metadata.namespace}/${name}`;
      const waiting = this.#awaited.get(claim);
      if (waiting === undefined) this.#awaited.set(claim, new Set([keyOf(pod)]));
      else waiting.add(keyOf(pod));
    }
  }

  #podDeleted(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#nominations.clear(pod.metadata.uid!);
    this.#release(pod);
  }

  #place(pod: Pod, node: string, old?: Pod): void {
    const isNew = !this.#cache.isPlaced(pod.metadata.uid!);
    this.#cache.place(pod, node);
    if (isNew) this.#queue.happened({ kind: 'pod-placed', pod });
    else if (old !== undefined && !sameLabels(pod.metadata.labels, old.metadata.labels))
      this.#queue.happened({ kind: 'pod-relabelled', pod, old });
    else if (old !== undefined && pod.metadata.generation !== old.metadata.generation && needsLess(pod, old))
      this.#queue.happened({ kind: 'pod-gone', pod: old });
  }

  #release(pod: Pod): void {
    if (!this.#cache.isPlaced(pod.metadata.uid!)) return;
    this.#cache.release(pod.metadata.uid!);
    this.#queue.happened({ kind: 'pod-gone', pod });
  }

  /** Works off the queue, a pod a turn of the event loop, so that nothing else starves. */
  #wake(): void {
    if (!this.#started || this.#running || !this.#queue.hasReady) return;
    this.#running = true;
    this.#inBackground('scheduler', () => {
      this.#running = false;
      const key = this.#queue.pop();
      if (key !== undefined) this.#schedule(key);
      this.#wake();
    });
  }

  #schedule(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined || (pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      return;
    }
    const { profile, reporter } = this.#profileOf(pod);
    try {
      const outcome = this.#scheduling.find(pod, profile);
      if ('node' in outcome) this.#assume(key, pod, outcome.node, outcome.attempt);
      else this.#fail(key, pod, outcome);
    } catch (error) {
      if (!(error instanceof SchedulingError)) throw error;
      this.#queue.retry(key);
      this.#inBackground('scheduler report', () => reporter.failed(pod, 'SchedulerError', error.message));
    }
  }

  /** Binding does not hold up the next pod: the node's room is taken already. */
  #assume(key: string, pod: Pod, node: NodeInfo, attempt: Attempt): void {
    this.#cache.place(pod, node.name);
    const rejection = reserve(attempt, node);
    if (rejection !== undefined) {
      unreserve(attempt, node);
      this.#cache.release(pod.metadata.uid!);
      this.#queue.fail(key, pluginsOf([rejection]));
      this.#report(pod, fitMessage(1, [rejection]), '');
      return;
    }
    this.#queue.happened({ kind: 'pod-placed', pod });
    const preparing = attempt.profile.at.preBind.filter((plugin) => {
      const run = attempt.runs.get(plugin);
      return run?.preBind !== undefined && run.needsPreBind?.() !== false;
    });
    const way = { key, pod, node, attempt, preparing };
    if (preparing.length === 0) this.#inBackground('scheduler bind', () => this.#bind(way));
    else this.#inBackground('scheduler bind', () => this.#announce(way));
  }

  /** It may take a while until the pod is bound: others are told where it is going. Mirrors NominatedNodeNameForExpectation. */
  async #announce(way: WayToNode): Promise<void> {
    try {
      await this.#profileOf(way.pod).reporter.expect(way.pod, way.node.name);
    } catch (error) {
      // The pod gets there all the same.
      this.#context.logger.warn('scheduler could not announce a node', { error });
    }
    await this.#bind(way);
  }

  async #bind(way: WayToNode, problem?: Error): Promise<void> {
    const { key, pod, node, attempt, preparing } = way;
    const { namespace, name, uid } = pod.metadata;
    try {
      if (problem !== undefined) throw problem;
      for (let plugin = preparing.shift(); plugin !== undefined; plugin = preparing.shift()) {
        const wait = await attempt.runs.get(plugin)?.preBind?.(node);
        if (wait === undefined) continue;
        this.#profileOf(pod).reporter.waiting(pod, wait);
        wait.begin((error) => this.#inBackground('scheduler bind', () => this.#bind(way, error)));
        return;
      }
      await this.#context.client.createSubresource(pods, { namespace, name: name! }, 'binding', {
        kind: 'Binding',
        apiVersion: 'v1',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: node.name },
      });
      this.#profileOf(pod).reporter.scheduled(pod, node.name);
    } catch (error) {
      if (!this.#started) return;
      unreserve(attempt, node);
      this.#release(pod);
      const current = this.#pods.get(key);
      if (isNotFound(error) || current?.metadata.uid !== uid) {
        this.#queue.remove(key);
        return;
      }
      this.#queue.retry(key);
      if (isConflict(error)) return;
      await this.#profileOf(pod).reporter.failed(current!, 'SchedulerError', (error as Error).message, '');
    }
  }

  #fail(
    key: string,
    pod: Pod,
    outcome: Extract<Outcome, { rejections: ReadonlyMap<NodeInfo, Rejection> }>,
  ): void {
    const { attempt, rejection, rejections } = outcome;
    const count = this.#cache.nodes.length;
    if (count === 0) {
      this.#queue.fail(key, new Set(['NodeResourcesFit']));
      this.#nominations.clear(pod.metadata.uid!);
      this.#report(pod, NO_NODES, '');
      return;
    }
    const message =
      rejection === undefined
        ? fitMessage(count, [...rejections.values()])
        : preFilterMessage(count, rejection);
    this.#queue.fail(key, pluginsOf(rejection === undefined ? rejections.values() : [rejection]));
    const room = this.#makeRoom(pod, attempt, rejections);
    if (room.nominated === '') this.#nominations.clear(pod.metadata.uid!);
    this.#report(pod, `${message}${room.message}`, room.nominated);
  }

  /** Asks the plugins that may make room what they can do. Mirrors RunPostFilterPlugins. */
  #makeRoom(
    pod: Pod,
    attempt: Attempt,
    rejections: ReadonlyMap<NodeInfo, Rejection>,
  ): { readonly message: string; readonly nominated?: string } {
    const { profile, runs } = attempt;
    const words: string[] = [];
    let nominated: string | undefined;
    if (profile.at.postFilter.length === 0) return { message: '', nominated: '' };
    for (const plugin of profile.at.postFilter) {
      if (plugin.preemption !== undefined) {
        const outcome = this.#findPreemption(attempt, rejections, plugin.preemption);
        if (typeof outcome !== 'string') {
          this.#preempt(pod, outcome);
          return { message: '', nominated: outcome.node.name };
        }
        // A promise is kept while its victims leave, and given up when nothing can be done.
        if (!outcome.startsWith('not eligible')) nominated = '';
        words.push(`preemption: ${outcome}`);
        continue;
      }
      const outcome = runs.get(plugin)?.postFilter?.(rejections);
      // It never came to look at the pod.
      if (outcome === undefined) return { message: ' not found' };
      if (outcome.isDone) return { message: '' };
      words.push(outcome.message);
    }
    return { message: ` ${words.join(', ')}`, ...(nominated === undefined ? {} : { nominated }) };
  }

  #findPreemption(
    attempt: Attempt,
    rejections: ReadonlyMap<NodeInfo, Rejection>,
    args: PluginArguments['DefaultPreemption'],
  ): Preemption | string {
    const options = {
      cache: this.#cache,
      scheduling: this.#scheduling,
      budgets: this.#budgets,
      random: this.#context.random,
      args,
    };
    return findPreemption(options, attempt, rejections);
  }

  #preempt(pod: Pod, { node, victims }: Preemption): void {
    const displaced = this.#nominations.behind(pod, node.name);
    this.#nominations.set(pod, node.name);
    const { reporter } = this.#profileOf(pod);
    this.#inBackground('scheduler preemption', async () => {
      for (const victim of victims) await reporter.evict(victim, pod, node.name);
      for (const other of displaced) {
        this.#nominations.clear(other.metadata.uid!);
        await reporter.giveUpNode(other);
        this.#enqueue(other);
      }
    });
  }

  #report(pod: Pod, message: string, nominated?: string): void {
    const { reporter } = this.#profileOf(pod);
    this.#inBackground('scheduler report', () => reporter.failed(pod, 'Unschedulable', message, nominated));
  }

  #profileOf({ spec }: Pod): { readonly profile: Profile; readonly reporter: Reporter } {
    return this.#profiles.get(spec.schedulerName ?? DEFAULT_SCHEDULER)!;
  }

  #inBackground(name: string, work: () => void | Promise<void>): void {
    const onError = (error: unknown): void => this.#context.logger.error(`${name} failed`, { error });
    this.#context.tasks.run(name, work, onError);
  }
}

/** A pod that has been given a node, and the plugins that have something to write before it is bound. */
interface WayToNode {
  readonly key: string;
  readonly pod: Pod;
  readonly node: NodeInfo;
  readonly attempt: Attempt;
  readonly preparing: Plugin[];
}

function reserve({ profile, runs }: Attempt, node: NodeInfo): Rejection | undefined {
  for (const plugin of profile.at.reserve) {
    const rejection = runs.get(plugin)?.reserve?.(node);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

/** In the other direction. */
function unreserve({ profile, runs }: Attempt, node: NodeInfo): void {
  for (const plugin of profile.at.reserve.toReversed()) runs.get(plugin)?.unreserve?.(node);
}

function needsLess(pod: Pod, old: Pod): boolean {
  const { requests: now } = podInfoOf(pod);
  const { requests: before } = podInfoOf(old);
  return (
    now.cpu < before.cpu ||
    now.memory < before.memory ||
    now.ephemeralStorage < before.ephemeralStorage ||
    [...before.scalars].some(([name, amount]) => (now.scalars.get(name) ?? 0) < amount)
  );
}

/** Heartbeats do not matter to scheduling. */
function affectsScheduling(node: Node, old: Node): boolean {
  const view = ({ metadata, spec, status }: Node): string =>
    JSON.stringify([
      metadata.labels,
      spec.taints,
      spec.unschedulable,
      status.allocatable,
      status.capacity,
      status.images,
      status.declaredFeatures,
    ]);
  return view(node) !== view(old);
}
