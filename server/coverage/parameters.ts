/** The parameters of requests, and a value of each that must be refused: that is what being honoured means at least. */

export interface Parameter {
  readonly name: string;
  /** Verbs that read it. */
  readonly verbs: readonly string[];
  readonly values: string;
  /** A value that is refused with this code; absent where every value means something. */
  readonly refused?: { readonly value: string; readonly code: number };
}

const READING = ['list', 'watch', 'deletecollection'];
const WRITING = ['create', 'update', 'patch'];
const ALL = ['get', 'list', 'create', 'update', 'patch', 'delete', 'deletecollection'];

export const PARAMETERS: readonly Parameter[] = [
  { name: 'pretty', verbs: [...ALL], values: 'a boolean; on for curl, wget and browsers' },
  { name: 'timeout', verbs: ALL, values: 'a duration of at most 34 s', refused: { value: 'x', code: 400 } },
  {
    name: 'labelSelector',
    verbs: READING,
    values: 'equality and set forms',
    refused: { value: 'a in (', code: 400 },
  },
  {
    name: 'fieldSelector',
    verbs: READING,
    values: 'name, namespace and the fields of the kind',
    refused: { value: 'spec.nope=x', code: 400 },
  },
  {
    name: 'limit',
    verbs: ['list', 'deletecollection'],
    values: 'a number',
    refused: { value: 'x', code: 400 },
  },
  {
    name: 'continue',
    verbs: ['list', 'deletecollection'],
    values: 'the token of the page before',
    refused: { value: '!', code: 400 },
  },
  {
    name: 'resourceVersion',
    verbs: ['get', ...READING],
    values: '"", 0 or a version',
    refused: { value: 'x', code: 400 },
  },
  {
    name: 'resourceVersionMatch',
    verbs: READING,
    values: 'Exact, NotOlderThan',
    refused: { value: 'x', code: 422 },
  },
  {
    name: 'sendInitialEvents',
    verbs: ['watch'],
    values: 'a boolean, with NotOlderThan',
    refused: { value: 'true', code: 422 },
  },
  { name: 'allowWatchBookmarks', verbs: ['watch'], values: 'a boolean' },
  { name: 'timeoutSeconds', verbs: ['watch'], values: 'a number', refused: { value: 'x', code: 400 } },
  {
    name: 'dryRun',
    verbs: [...WRITING, 'delete', 'deletecollection'],
    values: 'All',
    refused: { value: 'x', code: 422 },
  },
  {
    name: 'fieldManager',
    verbs: WRITING,
    values: 'up to 128 printable characters',
    refused: { value: 'x'.repeat(129), code: 422 },
  },
  {
    name: 'fieldValidation',
    verbs: WRITING,
    values: 'Ignore, Warn, Strict',
    refused: { value: 'x', code: 422 },
  },
  { name: 'force', verbs: ['patch'], values: 'a boolean, for apply', refused: { value: 'true', code: 422 } },
  {
    name: 'gracePeriodSeconds',
    verbs: ['delete', 'deletecollection'],
    values: 'a number',
    refused: { value: 'x', code: 400 },
  },
  {
    name: 'propagationPolicy',
    verbs: ['delete', 'deletecollection'],
    values: 'Orphan, Background, Foreground',
    refused: { value: 'x', code: 422 },
  },
  { name: 'orphanDependents', verbs: ['delete', 'deletecollection'], values: 'a boolean' },
];
