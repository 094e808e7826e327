/**
 * Records events about objects as client-go's recorder does: an equal event counts up the one that is there, many that
 * differ only in their message are combined, and an object that causes too many is silenced for a while.
 */
import type { Client } from '../../api/machinery/client.ts';
import { formatMicroTime, formatTime, uniqueNanoseconds, type Clock } from '../../api/machinery/clock.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import { checkDNS1123Subdomain } from '../../api/machinery/names.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import { events, type Event } from '../../openapi/generated/core-v1.ts';
import type { EventRecorder } from './controller.ts';
import { EventSeries, type SeriesKey, type SeriesState } from './event-series.ts';
import { COMBINED_PREFIX, EventCorrelator, type Correlated, type Occurrence } from './event-correlator.ts';

/** Where events about objects without a namespace go. */
const DEFAULT_NAMESPACE = 'default';

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskTracker;
  readonly logger: Logger;
  /** `source.component` and `reportingComponent`. */
  readonly component: string;
  /** `source.host` and `reportingInstance`. */
  readonly host?: string;
}

/**
 * Returns a recorder whose events are written one after the other, in the order they were recorded. A write that fails is
 * logged and given up; the tracker is busy until all are written.
 */
export function createRecorder(options: RecorderOptions): EventRecorder {
  const { clock, random, tasks, logger, component } = options;
  const correlator = new EventCorrelator((object) => eventName(object, clock, random));
  let last = Promise.resolve();
  const enqueue = (reason: string, work: () => Promise<void>): void => {
    const release = tasks.hold(`events of ${component}`);
    last = last
      .then(work)
      .catch((error: unknown) => {
        const isExpected = isNamespaceTerminating(error) || isNotFound(error) || isAlreadyExists(error);
        logger[isExpected ? 'debug' : 'warn']('event not recorded', { component, reason, error });
      })
      .finally(release);
  };
  const series = new EventSeries(
    clock,
    (object) => eventName(object, clock, random),
    (key, state) => enqueue(key.reason, () => writeSeries(options, key, state)),
  );
  return {
    event: (object, type, reason, message, { fieldPath, action } = {}) => {
      const involved = involvedObject(object, component, fieldPath);
      if (action !== undefined) {
        const key = { involved, type, action, reason, message };
        const state = series.observe(key);
        if (state !== undefined) enqueue(reason, () => writeSeries(options, key, state));
        return;
      }
      const occurrence: Occurrence = { involved, type, reason, message, atMs: clock.now() };
      const correlated = correlator.observe(occurrence);
      if (correlated === undefined) return;
      enqueue(reason, () => write(options, occurrence, correlated));
    },
  };
}

/** Events of the newer kind: made once, then patched with how often they came. */
async function writeSeries(
  { client, component, host }: RecorderOptions,
  { involved, type, action, reason, message }: SeriesKey,
  { name, count, lastMs }: SeriesState,
): Promise<void> {
  const namespace = involved.namespace ?? DEFAULT_NAMESPACE;
  if (count > 1) {
    const body = { series: { count, lastObservedTime: formatMicroTime(lastMs) } };
    await client.patch(events, { namespace, name }, { type: 'strategic', body });
    return;
  }
  await client.create(events, {
    metadata: { name, namespace },
    involvedObject: involved,
    reason,
    message,
    source: {},
    firstTimestamp: undefined,
    lastTimestamp: undefined,
    type,
    eventTime: formatMicroTime(lastMs),
    action,
    reportingComponent: component,
    reportingInstance: host ?? `${component}-kubemu`,
  });
}

async function write(
  options: RecorderOptions,
  occurrence: Occurrence,
  correlated: Correlated,
): Promise<void> {
  const { client } = options;
  const { name, count, message, lastMs } = correlated;
  const namespace = occurrence.involved.namespace ?? DEFAULT_NAMESPACE;
  if (count > 1) {
    try {
      const body = { count, lastTimestamp: formatTime(lastMs), message };
      await client.patch(events, { namespace, name }, { type: 'strategic', body });
      return;
    } catch (error) {
      // It was deleted or never written: made again, the count as it is.
      if (!isNotFound(error)) throw error;
    }
  }
  await client.create(events, newEvent(options, occurrence, correlated, namespace));
}

function newEvent(
  { component, host }: RecorderOptions,
  { involved, type, reason }: Occurrence,
  { name, count, message, firstMs, lastMs }: Correlated,
  namespace: string,
): Event {
  // Upstream makes the combined event anew, of fewer fields.
  const isCombined = message.startsWith(COMBINED_PREFIX);
  return {
    metadata: { name, namespace },
    involvedObject: involved,
    reason,
    message,
    source: { component, ...(host === undefined ? {} : { host }) },
    firstTimestamp: formatTime(firstMs),
    lastTimestamp: formatTime(lastMs),
    count,
    type,
    reportingComponent: isCombined ? '' : component,
    reportingInstance: isCombined ? '' : (host ?? ''),
  };
}

/**
 * `<object>.<nanoseconds in 16 hex>`, so that the events of an object sort as they happened; a UUID for objects whose names
 * events cannot carry. Mirrors record/util GenerateEventName.
 */
function eventName(object: string, clock: Clock, random: Random): string {
  const name = `${object}.${uniqueNanoseconds(clock).toString(16).padStart(16, '0')}`;
  return checkDNS1123Subdomain(name).length === 0 ? name : randomUUID(random);
}

function involvedObject(
  { kind, apiVersion, metadata }: KubeObject,
  component: string,
  fieldPath: string | undefined,
): Event['involvedObject'] {
  const { namespace, name, uid, resourceVersion } = metadata;
  // The kubelet knows its node by name only, and readers of events look for it so.
  if (kind === 'Node' && component === 'kubelet') return { kind, name, uid: name, apiVersion };
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    apiVersion,
    resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
