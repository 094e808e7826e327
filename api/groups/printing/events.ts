/** Table of events, of either group. Mirrors pkg/printers/internalversion/printers.go printEvent. */
import type { Event as CoreEvent } from '../../../openapi/generated/core-v1.ts';
import type { Event as NewEvent } from '../../../openapi/generated/events-v1.ts';
import type { TableDefinition } from '../../definition.ts';
import { humanAge } from '../../machinery/human-duration.ts';
import { column, defineTable, NAME, nameOf, wide } from './columns.ts';

/** Where each group keeps the same thing. */
function asCoreEvent(event: CoreEvent | NewEvent): CoreEvent {
  if ('involvedObject' in event) return event;
  const { regarding, note, reportingController, deprecatedSource, deprecatedFirstTimestamp, ...rest } = event;
  return {
    ...rest,
    involvedObject: regarding ?? {},
    message: note,
    reportingComponent: reportingController,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
  };
}

function source({ source: from, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = (from?.component ?? '') === '' ? (reportingComponent ?? '') : from!.component!;
  const instance = (from?.host ?? '') === '' ? (reportingInstance ?? '') : from!.host!;
  return instance === '' ? component : `${component}, ${instance}`;
}

function target({ involvedObject }: CoreEvent): string {
  const kind = (involvedObject.kind ?? '').toLowerCase();
  return (involvedObject.name ?? '') === '' ? kind : `${kind}/${involvedObject.name}`;
}

export const eventTable: TableDefinition = defineTable<CoreEvent | NewEvent>({
  columns: [
    column('Last Seen', 'Time since it last happened.'),
    column('Type', 'Normal or Warning.'),
    column('Reason', 'Why it happened, in a word.'),
    column('Object', 'Kind and name of what it happened to.'),
    wide('Subobject', 'Part of the object it happened to.'),
    wide('Source', 'Who reported it.'),
    column('Message', 'What happened.'),
    wide('First Seen', 'Time since it first happened.'),
    wide('Count', 'How often it happened.'),
    { ...NAME, priority: 1 },
  ],
  cells(object, { nowMs }) {
    const event = asCoreEvent(object);
    const { series, lastTimestamp, firstTimestamp } = event;
    const firstSeen = humanAge(firstTimestamp ?? event.eventTime, nowMs);
    const lastSeen =
      lastTimestamp === undefined || lastTimestamp === null ? firstSeen : humanAge(lastTimestamp, nowMs);
    return [
      series === undefined ? lastSeen : humanAge(series.lastObservedTime, nowMs),
      event.type ?? '',
      event.reason ?? '',
      target(event),
      event.involvedObject.fieldPath ?? '',
      source(event),
      (event.message ?? '').trim(),
      firstSeen,
      series === undefined ? event.count || 1 : (series.count ?? 0),
      nameOf(event),
    ];
  },
});
