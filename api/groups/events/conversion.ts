/** Events of core/v1 are those of events.k8s.io/v1 under other names. Mirrors pkg/apis/events/v1/conversion.go. */
import type { UnknownObject } from '../../machinery/object-meta.ts';

/** Members of core/v1 and what events.k8s.io/v1 calls them. */
const NAMES: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];
const TO_EVENTS = new Map(NAMES);
const TO_CORE = new Map(NAMES.map(([core, events]) => [events, core]));

export function convertEvent(event: UnknownObject, _from: string, to: string): UnknownObject {
  const names = to === 'v1' ? TO_CORE : TO_EVENTS;
  const members = Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value]);
  return Object.fromEntries(members) as UnknownObject;
}
