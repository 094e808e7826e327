/**
 * Records events about objects as client-go's recorder does: an equal event counts up the one that is there, many that
 * differ only in their message are combined, and an object that causes too many is silenced for a while.
 */
import type { Client } from '../../api/machinery/client.ts';
import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { randomHex, type Random } from '../../api/machinery/random.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import { events, type Event } from '../../openapi/generated/core-v1.ts';
import type { EventRecorder } from './controller.ts';

/** Events of one object by one source that may come at once, and how fast new ones are allowed after that. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;
/** More different messages than this within the interval are combined into one event. */
const SIMILAR_MAX = 10;
const SIMILAR_INTERVAL_MS = 600_000;
const COMBINED_PREFIX = '(combined from similar events): ';
/** Remembered events; older ones are forgotten and recorded anew. */
const CACHE_SIZE = 4096;

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskTracker;
  readonly logger: Logger;
  readonly component: string;
  readonly host?: string;
}

type Involved = Event['involvedObject'];

interface Draft {
  readonly involved: Involved;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}

/** Returns a recorder whose events are written one after the other, in the order they were recorded. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  const recorder = new Recorder(options);
  return { event: (object, type, reason, message, more) => recorder.record(object, type, reason, message, more?.fieldPath) };
}

class Recorder {
  readonly #options: RecorderOptions;
  readonly #known = new Map<string, Event>();
  readonly #similar = new Map<string, Similar>();
  readonly #budgets = new Map<string, { tokens: number; atMs: number }>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath: string | undefined): void {
    const draft: Draft = { involved: involvedObject(object, fieldPath), type, reason, message, atMs: this.#options.clock.now() };
    if (!this.#isAllowed(draft)) return;
    const release = this.#options.tasks.hold(`events of ${this.#options.component}`);
    this.#last = this.#last.then(() => this.#write(draft)).catch((error: unknown) => {
      if (isNamespaceTerminating(error) || isNotFound(error)) return;
      this.#options.logger.warn('event not recorded', { reason, error });
    }).finally(release);
  }

  async #write(draft: Draft): Promise<void> {
    const combined = this.#combine(draft);
    const key = JSON.stringify([combined.involved, draft.type, draft.reason, combined.keyMessage]);
    const now = formatTime(draft.atMs);
    const known = this.#known.get(key);
    if (known !== undefined) {
      const counted = { ...known, message: combined.message, count: (known.count ?? 1) + 1, lastTimestamp: now };
      try {
        const { namespace, name } = known.metadata;
        const body = { message: combined.message, count: counted.count, lastTimestamp: now };
        this.#remember(key, await this.#options.client.patch(events, { namespace, name: name! }, { type: 'merge', body }));
        return;
      } catch (error) {
        // The event was deleted in the meantime: it begins anew.
        if (!isNotFound(error)) throw error;
      }
    }
    this.#remember(key, await this.#options.client.create(events, this.#newEvent({ ...draft, message: combined.message }, now)));
  }

  #newEvent(draft: Draft, now: string): Event {
    const { component, host, random } = this.#options;
    const namespace = draft.involved.namespace ?? 'default';
    return {
      metadata: { name: `${draft.involved.name}.${randomHex(random, 16)}`, namespace },
      involvedObject: draft.involved,
      reason: draft.reason,
      message: draft.message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type: draft.type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  /** Beyond the tenth message of one kind, all go into one event. */
  #combine(draft: Draft): { readonly involved: Involved; readonly keyMessage: string; readonly message: string } {
    const { involved, type, reason, message, atMs } = draft;
    const group = JSON.stringify([involved.kind, involved.namespace, involved.name, involved.uid, involved.apiVersion, type, reason]);
    let similar = this.#similar.get(group);
    if (similar === undefined || atMs - similar.lastMs > SIMILAR_INTERVAL_MS) {
      similar = { messages: new Set(), lastMs: atMs };
      this.#similar.set(group, similar);
    }
    similar.lastMs = atMs;
    similar.messages.add(message);
    trim(this.#similar);
    if (similar.messages.size < SIMILAR_MAX) return { involved, keyMessage: message, message };
    return { involved, keyMessage: COMBINED_PREFIX, message: COMBINED_PREFIX + message };
  }

  /** A token bucket for each object. */
  #isAllowed({ involved, atMs }: Draft): boolean {
    const key = JSON.stringify([involved.kind, involved.namespace, involved.name, involved.uid, involved.apiVersion]);
    const budget = this.#budgets.get(key) ?? { tokens: SPAM_BURST, atMs };
    budget.tokens = Math.min(SPAM_BURST, budget.tokens + (atMs - budget.atMs) / SPAM_REFILL_MS);
    budget.atMs = atMs;
    this.#budgets.set(key, budget);
    trim(this.#budgets);
    if (budget.tokens < 1) return false;
    budget.tokens--;
    return true;
  }

  #remember(key: string, event: Event): void {
    this.#known.delete(key);
    this.#known.set(key, event);
    trim(this.#known);
  }
}

function trim(map: Map<string, unknown>): void {
  if (map.size <= CACHE_SIZE) return;
  map.delete(map.keys().next().value!);
}

function involvedObject(object: KubeObject, fieldPath: string | undefined): Involved {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    // Nodes are known to event readers by their name, as the kubelet has it.
    uid: object.kind === 'Node' ? name : uid,
    apiVersion: object.apiVersion,
    ...(object.kind === 'Node' ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
