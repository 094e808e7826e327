/** Events, in the shape of the core group. Mirrors events.go of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { path } from '../../machinery/field-path.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkQualifiedName } from '../../machinery/names.ts';
import { IMMUTABLE_MESSAGE, invalid, required } from '../../machinery/field-errors.ts';
import { validateFinalizerDomains, validateObjectMeta } from '../../machinery/object-meta-validation.ts';
import type { Event } from '../../../openapi/generated/core-v1.ts';
import { addEach, addImmutable, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';

const CORE = 'v1';
const SHORT_MAX = 128;
const NOTE_MAX = 1024;

export const event = defineBehaviour<Event>({
  nameRule: 'path-segment',
  allowBareFinalizers: true,
  checksMetadataLast: true,
  validate: (object, version = CORE) => {
    const errors: Findings = [];
    addLegacy(errors, object, version);
    if (version !== CORE) addNewRules(errors, object);
    return errors;
  },
  validateUpdate: (object, old, version = CORE) => {
    const errors: Findings = [];
    addLegacy(errors, object, version);
    if (version !== CORE) addChanges(errors, object, old);
    return errors;
  },
});

const isSet = (value: string | null | undefined): boolean => (value ?? '') !== '';

/** What holds in both groups; the older one knows events without a time. */
function addLegacy(errors: Findings, object: Event, version: string): void {
  const { involvedObject, metadata, eventTime } = object;
  const namespace = metadata.namespace ?? '';
  const of = involvedObject?.namespace ?? '';
  const hasTime = isSet(eventTime);
  const isUnnamed = of === '' && (hasTime ? ['default', 'kube-system'] : ['', 'default']).includes(namespace);
  const isOther = of === '' ? !isUnnamed : !hasTime && of !== namespace;
  if (isOther) errors.push(invalid('involvedObject.namespace', of, 'does not match event.namespace'));
  if (hasTime) addReporter(errors, object, version);
  addEach(errors, path('namespace'), namespace, checkDNS1123Subdomain(namespace));
}

function addReporter(errors: Findings, object: Event, version: string): void {
  const controller = object.reportingComponent ?? '';
  const place = path(version === CORE ? 'reportingComponent' : 'reportingController');
  if (controller === '') errors.push(required(place));
  addEach(errors, place, controller, checkQualifiedName(controller));
  for (const member of ['reportingInstance', 'action', 'reason'] as const) {
    const value = object[member] ?? '';
    if (value === '') errors.push(required(member));
    if (byteLength(value) > SHORT_MAX)
      errors.push(invalid(member, '', `can have at most ${SHORT_MAX} characters`));
  }
  if (byteLength(object.message ?? '') > NOTE_MAX)
    errors.push(invalid('message', '', `can have at most ${NOTE_MAX} characters`));
}

function addSeries(errors: Findings, { series }: Event): void {
  if (series === undefined) return;
  if ((series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'));
  if (!isSet(series.lastObservedTime)) errors.push(required('series.lastObservedTime'));
}

function addNewRules(errors: Findings, object: Event): void {
  errors.push(
    ...validateObjectMeta(object.metadata, { namespaced: true }),
    ...validateFinalizerDomains(object.metadata.finalizers, path('metadata', 'finalizers')),
  );
  addSeries(errors, object);
  if (!isSet(object.eventTime)) errors.push(required('eventTime'));
  const { type = '' } = object;
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', '', `has invalid value: ${type}`));
  const addUnset = (member: string, isGiven: boolean): void => {
    if (isGiven) errors.push(invalid(member, '', 'needs to be unset'));
  };
  addUnset('firstTimestamp', isSet(object.firstTimestamp));
  addUnset('lastTimestamp', isSet(object.lastTimestamp));
  addUnset('count', (object.count ?? 0) !== 0);
  addUnset('source', isSet(object.source?.component) || isSet(object.source?.host));
}

function addChanges(errors: Findings, object: Event, old: Event): void {
  if (!equalJSON(object.series, old.series)) addSeries(errors, object);
  addImmutableStruct(errors, 'involvedObject', 'ObjectReference', object, old);
  addImmutableMember(errors, 'reason', object, old);
  addImmutableMember(errors, 'message', object, old);
  addImmutableStruct(errors, 'source', 'EventSource', object, old);
  addImmutableMember(errors, 'firstTimestamp', object, old, null);
  addImmutableMember(errors, 'lastTimestamp', object, old, null);
  addImmutableMember(errors, 'count', object, old, 0);
  addImmutableMember(errors, 'type', object, old);
  addImmutableMember(errors, 'eventTime', object, old, null);
  addImmutableMember(errors, 'action', object, old);
  addImmutableStruct(errors, 'related', '*ObjectReference', object, old);
  addImmutableMember(errors, 'reportingComponent', object, old);
  addImmutableMember(errors, 'reportingInstance', object, old);
}

function addImmutableMember(
  errors: Findings,
  member: keyof Event,
  object: Event,
  old: Event,
  zero: unknown = '',
): void {
  const shown = member === 'reportingComponent' ? 'reportingController' : member;
  addImmutable(errors, path(shown), object[member] ?? zero, old[member] ?? zero);
}

function addImmutableStruct(
  errors: Findings,
  member: 'involvedObject' | 'source' | 'related',
  type: string,
  object: Event,
  old: Event,
): void {
  const isPointer = type.startsWith('*');
  const of = (event: Event): unknown => event[member] ?? (isPointer ? undefined : {});
  if (!equalJSON(of(object), of(old)))
    errors.push(invalidInternal(member, type, of(object), IMMUTABLE_MESSAGE));
}
