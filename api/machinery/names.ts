/**
 * What names may look like. Every check returns the texts of what is wrong, in upstream's words and order, empty when
 * nothing is. Mirrors apimachinery util/validation and api/validate/content.
 */
import { byteLength } from './go-format.ts';
import { remembering } from './remembering.ts';

/** Texts of what is wrong with a name; with `prefix` the name will have characters appended. */
export type NameCheck = (name: string, prefix: boolean) => string[];

/** Rule for `metadata.name` of a kind: a common one, or its own. */
export type NameRule = 'dns-subdomain' | 'dns-label' | 'dns1035-label' | 'path-segment' | NameCheck;

const DNS1123_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS1123_SUBDOMAIN = `${DNS1123_LABEL}(\\.${DNS1123_LABEL})*`;
const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const UNDERSCORE_SUBDOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?';
const WILDCARD_SUBDOMAIN = `\\*\\.${DNS1123_SUBDOMAIN}`;
const LABEL_KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${LABEL_KEY})?`;
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';
const CONFIG_MAP_KEY = '[-._a-zA-Z0-9]+';
const PERCENT = '[0-9]+%';
const HTTP_HEADER_NAME = '[-A-Za-z0-9]+';
const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

/** A regular expression that must match the whole text (Go's `$` does not allow a newline before the end). */
const whole = (source: string): RegExp => new RegExp(`^(?:${source})$`);

const DNS1123_LABEL_REGEXP = whole(DNS1123_LABEL);
const DNS1123_SUBDOMAIN_REGEXP = whole(DNS1123_SUBDOMAIN);
const UNDERSCORE_SUBDOMAIN_REGEXP = whole(UNDERSCORE_SUBDOMAIN);
const DNS1035_LABEL_REGEXP = whole(DNS1035_LABEL);
const WILDCARD_SUBDOMAIN_REGEXP = whole(WILDCARD_SUBDOMAIN);
const LABEL_KEY_REGEXP = whole(LABEL_KEY);
const LABEL_VALUE_REGEXP = whole(LABEL_VALUE);
const C_IDENTIFIER_REGEXP = whole(C_IDENTIFIER);
const CONFIG_MAP_KEY_REGEXP = whole(CONFIG_MAP_KEY);
const PERCENT_REGEXP = whole(PERCENT);
const HTTP_HEADER_NAME_REGEXP = whole(HTTP_HEADER_NAME);
const HTTP_PATH_REGEXP = whole(HTTP_PATH);

/** Longest name of objects and of most DNS names, in bytes. */
const DNS1123_SUBDOMAIN_LENGTH_MAX = 253;
/** Longest DNS label, in bytes. */
const DNS1123_LABEL_LENGTH_MAX = 63;
/** Longest label value, in bytes. */
const LABEL_VALUE_LENGTH_MAX = 63;
const PORT_NAME_LENGTH_MAX = 15;

const tooLongText = (max: number): string => `must be no more than ${max} characters`;
const tooLongBytesText = (max: number): string => `must be no more than ${max} bytes`;

/** Text of a value that a regular expression refuses. */
export function regexpText(message: string, regexp: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${regexp}')`;
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${list}regex used for validation is '${regexp}')`;
}

/** Text of a number out of its range. */
export function rangeText(min: number, max: number): string {
  return `must be between ${min} and ${max}, inclusive`;
}

/** RFC 1123 label: names of namespaces, containers, volumes. */
export function checkDNS1123Label(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_LABEL_LENGTH_MAX) errors.push(tooLongText(DNS1123_LABEL_LENGTH_MAX));
  if (!DNS1123_LABEL_REGEXP.test(value)) {
    errors.push(
      DNS1123_SUBDOMAIN_REGEXP.test(value)
        ? 'must not contain dots'
        : regexpText(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            DNS1123_LABEL,
            'my-name',
            '123-abc',
          ),
    );
  }
  return errors;
}

function subdomainErrors(value: string, lengthText: (max: number) => string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_SUBDOMAIN_LENGTH_MAX) {
    errors.push(lengthText(DNS1123_SUBDOMAIN_LENGTH_MAX));
  }
  if (!DNS1123_SUBDOMAIN_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        DNS1123_SUBDOMAIN,
        'example.com',
      ),
    );
  }
  return errors;
}

/** RFC 1123 subdomain: names of most objects. */
export function checkDNS1123Subdomain(value: string): string[] {
  return subdomainErrors(value, tooLongText);
}

/** RFC 1123 subdomain whose labels may begin with and hold underscores: DNS search paths. */
export function checkSubdomainWithUnderscore(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_SUBDOMAIN_LENGTH_MAX)
    errors.push(tooLongText(DNS1123_SUBDOMAIN_LENGTH_MAX));
  if (!UNDERSCORE_SUBDOMAIN_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
        UNDERSCORE_SUBDOMAIN,
        'example.com',
      ),
    );
  }
  return errors;
}

/** RFC 1035 label: must start with a letter. */
export function checkDNS1035Label(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_LABEL_LENGTH_MAX) errors.push(tooLongText(DNS1123_LABEL_LENGTH_MAX));
  if (!DNS1035_LABEL_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        DNS1035_LABEL,
        'my-name',
        'abc-123',
      ),
    );
  }
  return errors;
}

/** `*.example.com`: hosts of ingresses. */
export function checkWildcardDNS1123Subdomain(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_SUBDOMAIN_LENGTH_MAX) {
    errors.push(tooLongText(DNS1123_SUBDOMAIN_LENGTH_MAX));
  }
  if (!WILDCARD_SUBDOMAIN_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        WILDCARD_SUBDOMAIN,
        '*.example.com',
      ),
    );
  }
  return errors;
}

/** `[prefix/]name`: keys of labels and annotations, finalizers, condition types, resource names. */
/** Few keys name the labels and annotations of many objects. */
export const checkQualifiedName: (value: string) => readonly string[] = remembering(qualifiedNameErrors);

function qualifiedNameErrors(value: string): readonly string[] {
  const rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ['MyName', 'my.name', '123-abc'];
  const parts = value.split('/');
  const errors: string[] = [];
  if (parts.length > 2) {
    return [
      `a valid label key ${regexpText(rule, LABEL_KEY, ...examples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...subdomainErrors(prefix, tooLongBytesText).map((text) => `prefix part ${text}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (byteLength(name) > DNS1123_LABEL_LENGTH_MAX) {
    errors.push(`name part ${tooLongBytesText(DNS1123_LABEL_LENGTH_MAX)}`);
  }
  if (!LABEL_KEY_REGEXP.test(name)) errors.push(`name part ${regexpText(rule, LABEL_KEY, ...examples)}`);
  return errors;
}

/** Values of labels; may be empty. */
export function checkLabelValue(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > LABEL_VALUE_LENGTH_MAX) errors.push(tooLongBytesText(LABEL_VALUE_LENGTH_MAX));
  if (!LABEL_VALUE_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return errors;
}

/** A name that can be one segment of a URL path: roles, bindings. */
export function checkPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return checkPathSegmentPrefix(value);
}

/** The start of a name that can be one segment of a URL path. */
function checkPathSegmentPrefix(value: string): string[] {
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

/** An IANA service name: names of ports of containers and probes. */
export function checkPortName(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > PORT_NAME_LENGTH_MAX) errors.push(tooLongText(PORT_NAME_LENGTH_MAX));
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** A port from 1 to 65535. */
export function checkPortNumber(port: number): string[] {
  return checkRange(port, 1, 65535);
}

/** A number between two others, both allowed. */
function checkRange(value: number, min: number, max: number): string[] {
  return value >= min && value <= max ? [] : [rangeText(min, max)];
}

/** A user or group id. */
export function checkUserID(id: number): string[] {
  return checkRange(id, 0, 2 ** 31 - 1);
}

/** Environment variable names as containers may have them since 1.34: printable ASCII without `=`. */
export function checkEnvVarName(value: string): string[] {
  const errors: string[] = [];
  if (value === '') errors.push('environment variable name must be non-empty');
  if (!/^[\x20-\x3c\x3e-\x7e]*$/.test(value)) {
    errors.push(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    );
  }
  return errors;
}

/** Keys of ConfigMaps and Secrets. */
export function checkConfigMapKey(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > DNS1123_SUBDOMAIN_LENGTH_MAX) {
    errors.push(tooLongText(DNS1123_SUBDOMAIN_LENGTH_MAX));
  }
  if (!CONFIG_MAP_KEY_REGEXP.test(value)) {
    errors.push(
      regexpText(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_MAP_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  return [...errors, ...parentDirectoryErrors(value)];
}

function parentDirectoryErrors(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** A C identifier. */
export function checkCIdentifier(value: string): string[] {
  if (C_IDENTIFIER_REGEXP.test(value)) return [];
  return [
    regexpText(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
      C_IDENTIFIER,
      'my_name',
      'MY_NAME',
      'MyName',
    ),
  ];
}

/** A percentage such as `25%`. */
export function checkPercent(value: string): string[] {
  if (PERCENT_REGEXP.test(value)) return [];
  return [
    regexpText(
      "a valid percent string must be a numeric string followed by an ending '%'",
      PERCENT,
      '1%',
      '93%',
    ),
  ];
}

/** The name of an HTTP header. */
export function checkHTTPHeaderName(value: string): string[] {
  if (HTTP_HEADER_NAME_REGEXP.test(value)) return [];
  return [
    regexpText(
      "a valid HTTP header must consist of alphanumeric characters or '-'",
      HTTP_HEADER_NAME,
      'X-Header-Name',
    ),
  ];
}

/** Whether the text has only the characters of an HTTP path. */
export function isHTTPPath(value: string): boolean {
  return HTTP_PATH_REGEXP.test(value);
}

/** A name by its kind's rule. With `prefix` the name will have characters appended (generateName). */
export function checkName(rule: NameRule, name: string, prefix = false): string[] {
  if (typeof rule === 'function') return rule(name, prefix);
  switch (rule) {
    case 'path-segment':
      return prefix ? checkPathSegmentPrefix(name) : checkPathSegmentName(name);
    case 'dns-label':
      return checkDNS1123Label(prefix ? maskTrailingDash(name) : name);
    case 'dns1035-label':
      return checkDNS1035Label(prefix ? maskTrailingDash(name) : name);
    case 'dns-subdomain':
      return checkDNS1123Subdomain(prefix ? maskTrailingDash(name) : name);
  }
}

/** Upstream drops the character before the dash too; kept, since it decides what passes. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}
