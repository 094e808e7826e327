import { describe, expect, it } from 'vitest';
import {
  checkConfigMapKey,
  checkDNS1035Label,
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkEnvVarName,
  checkLabelValue,
  checkName,
  checkPathSegmentName,
  checkPortName,
  checkPortNumber,
  checkQualifiedName,
} from '../../../api/machinery/names.ts';

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const KEY =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const cases: { name: string; got: readonly string[]; want: string[] }[] = [
  { name: 'label', got: checkDNS1123Label('my-name'), want: [] },
  { name: 'label with digits first', got: checkDNS1123Label('1a'), want: [] },
  { name: 'label with a dot', got: checkDNS1123Label('a.b'), want: ['must not contain dots'] },
  { name: 'label in capitals', got: checkDNS1123Label('A'), want: [LABEL] },
  { name: 'label with newline', got: checkDNS1123Label('a\n'), want: [LABEL] },
  { name: 'label empty', got: checkDNS1123Label(''), want: [LABEL] },
  {
    name: 'label too long',
    got: checkDNS1123Label('a'.repeat(64)),
    want: ['must be no more than 63 characters'],
  },
  { name: 'subdomain', got: checkDNS1123Subdomain('a.b-c.d'), want: [] },
  { name: 'subdomain with underscore', got: checkDNS1123Subdomain('a_b'), want: [SUBDOMAIN] },
  {
    name: 'subdomain too long and wrong',
    got: checkDNS1123Subdomain(`-${'a'.repeat(253)}`),
    want: ['must be no more than 253 characters', SUBDOMAIN],
  },
  { name: '1035 label with digit first', got: checkDNS1035Label('1a'), want: [DNS1035] },
  { name: '1035 label', got: checkDNS1035Label('a1'), want: [] },
  { name: 'key', got: checkQualifiedName('example.com/My_Name'), want: [] },
  { name: 'key with empty prefix', got: checkQualifiedName('/x'), want: ['prefix part must be non-empty'] },
  {
    name: 'key with empty name',
    got: checkQualifiedName('a/'),
    want: ['name part must be non-empty', `name part ${KEY}`],
  },
  { name: 'key with bad prefix', got: checkQualifiedName('A/b'), want: [`prefix part ${SUBDOMAIN}`] },
  {
    name: 'key with long name',
    got: checkQualifiedName('a'.repeat(64)),
    want: ['name part must be no more than 63 bytes'],
  },
  {
    name: 'key with two slashes',
    got: checkQualifiedName('a/b/c'),
    want: [
      `a valid label key ${KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ],
  },
  { name: 'empty label value', got: checkLabelValue(''), want: [] },
  {
    name: 'label value too long and wrong',
    got: checkLabelValue(`${'a'.repeat(63)}-`),
    want: [
      'must be no more than 63 bytes',
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  },
  { name: 'path segment', got: checkPathSegmentName('system:node'), want: [] },
  { name: 'path segment dots', got: checkPathSegmentName('..'), want: ["may not be '..'"] },
  {
    name: 'path segment with slash and percent',
    got: checkPathSegmentName('a/b%'),
    want: ["may not contain '/'", "may not contain '%'"],
  },
  { name: 'port name', got: checkPortName('http-2'), want: [] },
  {
    name: 'port name all wrong',
    got: checkPortName('-1--2'),
    want: [
      'must contain at least one letter (a-z)',
      'must not contain consecutive hyphens',
      'must not begin or end with a hyphen',
    ],
  },
  {
    name: 'port name empty',
    got: checkPortName(''),
    want: [
      'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'must contain at least one letter (a-z)',
    ],
  },
  {
    name: 'port name long',
    got: checkPortName('a'.repeat(16)),
    want: ['must be no more than 15 characters'],
  },
  { name: 'port number', got: checkPortNumber(65536), want: ['must be between 1 and 65535, inclusive'] },
  { name: 'environment name with space', got: checkEnvVarName('a b'), want: [] },
  {
    name: 'environment name with =',
    got: checkEnvVarName('a=b'),
    want: [
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    ],
  },
  {
    name: 'environment name empty',
    got: checkEnvVarName(''),
    want: ['environment variable name must be non-empty'],
  },
  { name: 'config key', got: checkConfigMapKey('a_b.C-1'), want: [] },
  { name: 'config key dot', got: checkConfigMapKey('.'), want: ["must not be '.'"] },
  {
    name: 'config key empty',
    got: checkConfigMapKey(''),
    want: [
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  },
  { name: 'generated name may end in a dash', got: checkName('dns-label', 'abc-', true), want: [] },
  { name: 'name may not end in a dash', got: checkName('dns-label', 'abc-'), want: [LABEL] },
  { name: 'name of a role', got: checkName('path-segment', 'a:b'), want: [] },
];

describe('names', () => {
  for (const { name, got, want } of cases) it(name, () => expect(got).toEqual(want));
});
