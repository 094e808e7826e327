import { describe, expect, it } from 'vitest';
import { event as behaviour } from '../../../api/groups/core/event.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';

const EVENTS = 'events.k8s.io/v1';
const event = {
  metadata: { name: 'e', namespace: 'default' },
  eventTime: '2024-01-01T00:00:00.000000Z',
  reportingComponent: 'example.com/c',
  reportingInstance: 'i',
  action: 'a',
  reason: 'R',
  type: 'Normal',
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
  message: 'm',
};
const texts = (object: object, version: string, old?: object): string[] => {
  const errors =
    old === undefined
      ? behaviour.validate!(object as UnknownObject, version)
      : behaviour.validateUpdate!(object as UnknownObject, old as UnknownObject, version);
  return errors.map(({ field, message }) => `${field}: ${message}`);
};

describe('events', () => {
  it('must say more in events.k8s.io than in core', () => {
    const { eventTime: _, ...untimed } = { ...event, count: 1, type: 'Other' };
    expect([texts(untimed, 'v1'), texts(untimed, EVENTS)]).toEqual([
      [],
      [
        'eventTime: Required value',
        'type: Invalid value: "": has invalid value: Other',
        'count: Invalid value: "": needs to be unset',
      ],
    ]);
  });

  it('call the reporter by the name of the group that is spoken', () => {
    const anonymous = { ...event, reportingComponent: undefined };
    expect(['v1', EVENTS].map((version) => texts(anonymous, version)[0])).toEqual([
      'reportingComponent: Required value',
      'reportingController: Required value',
    ]);
  });

  it('are looked at for their metadata in events.k8s.io', () => {
    const object = { ...event, metadata: { name: 'Bad/Name', namespace: 'default' } };
    expect([texts(object, 'v1').length, texts(object, EVENTS).length]).toEqual([0, 1]);
  });

  it('change only their series in events.k8s.io', () => {
    const series = { count: 1, lastObservedTime: event.eventTime };
    const changed = { ...event, message: 'other', involvedObject: { kind: 'Node', name: 'n' }, series };
    expect([texts(changed, 'v1', event), texts(changed, EVENTS, event)]).toEqual([
      [],
      [
        'series.count: Invalid value: "": should be at least 2',
        'involvedObject: Invalid value: {"Kind":"Node","Namespace":"","Name":"n","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}: field is immutable',
        'message: Invalid value: "other": field is immutable',
      ],
    ]);
  });
});
