import { expect, it } from 'vitest';
import { batchBehaviours } from '../../../api/groups/batch/index.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';

const container = { name: 'main', image: 'image:1' };
const jobTemplate = { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } };

it.each([
  { name: 'a schedule', spec: { schedule: '*/5 * * * *', timeZone: 'Europe/Berlin' }, errors: [] },
  { name: 'one that never comes', spec: { schedule: '59 23 31 2 *' }, errors: [] },
  { name: 'none', spec: { schedule: '' }, errors: ['spec.schedule: Required value'] },
  {
    name: 'one that does not read',
    spec: { schedule: '61 * * * *' },
    errors: ['spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'],
  },
  {
    name: 'a zone in the schedule',
    spec: { schedule: 'TZ=UTC 0 * * * *' },
    errors: [
      'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
  },
  {
    name: 'a zone there is not',
    spec: { schedule: '@daily', timeZone: 'Mars/Olympus' },
    errors: ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
  },
  {
    name: 'no name of a zone',
    spec: { schedule: '@daily', timeZone: '../etc' },
    errors: ['spec.timeZone: Invalid value: "../etc": unknown time zone ../etc'],
  },
  {
    name: 'an empty zone',
    spec: { schedule: '@daily', timeZone: '' },
    errors: ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
  },
  {
    name: 'the zone of the machine',
    spec: { schedule: '@daily', timeZone: 'Local' },
    errors: [
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
  },
])('a cron job with $name', ({ spec, errors }) => {
  const { setDefaults, validate } = batchBehaviours['cronjobs']!;
  const object = { metadata: {}, spec: { ...spec, jobTemplate } } as unknown as UnknownObject;
  setDefaults!(object);
  const found = validate!(object);
  expect(found.map(({ field, message }) => `${field}: ${message}`)).toEqual(errors);
});
