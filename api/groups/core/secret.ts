/** Secrets. Mirrors registry/core/secret and ValidateSecret of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { goQuote, goValue } from '../../machinery/go-format.ts';
import { parseJSON } from '../../machinery/json.ts';
import { invalid, required, tooLong } from '../../machinery/field-errors.ts';
import type { Secret } from '../../../openapi/generated/core-v1.ts';
import { addConfigMapKey, addImmutable, type Findings, sortedEntries } from '../common/findings.ts';
import { addFrozenChanges, bytesIn, DATA_SIZE_BYTES_MAX } from './frozen-data.ts';

export const secret = defineBehaviour<Secret>({
  setDefaults: (object) => {
    mergeStringData(object);
    object.type ||= 'Opaque';
  },
  validate: validateSecret,
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    addImmutable(errors, path('type'), object.type ?? '', old.type ?? '');
    addFrozenChanges(errors, object, old, ['data']);
    return [...errors, ...validateSecret(object)];
  },
  warnings: ({ type, data = {} }) => {
    if (type !== 'kubernetes.io/tls') return [];
    const problem =
      pemProblem(data['tls.crt'], 'certificate', isCertificate) ?? pemProblem(data['tls.key'], 'key', isKey);
    return problem === undefined ? [] : [problem];
  },
});

/** What was given as text becomes data, and is never shown as text again. */
function mergeStringData(object: Secret): void {
  if (object.stringData === undefined) return;
  const encoded = Object.entries(object.stringData).map(
    ([key, value]) => [key, Buffer.from(value).toString('base64')] as const,
  );
  object.data = { ...object.data, ...Object.fromEntries(encoded) };
  delete object.stringData;
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const DATA = path('data');

function validateSecret({ data = {}, type = '', metadata }: Secret): FieldError[] {
  const errors: Findings = [];
  let size = 0;
  for (const [key, value] of sortedEntries(data)) {
    addConfigMapKey(errors, DATA.key(key), key);
    size += bytesIn(value);
  }
  if (size > DATA_SIZE_BYTES_MAX) errors.push(tooLong(DATA, '', DATA_SIZE_BYTES_MAX));
  addTypeRules(errors, type, data, metadata.annotations?.[ACCOUNT_NAME] ?? '');
  return errors;
}

function addTypeRules(
  errors: Findings,
  type: string,
  data: Readonly<Record<string, string>>,
  accountName: string,
): void {
  const addMissing = (...keys: string[]): void => {
    for (const key of keys) if (data[key] === undefined) errors.push(required(DATA.key(key)));
  };
  switch (type) {
    case 'kubernetes.io/service-account-token':
      if (accountName === '') errors.push(required(path('metadata', 'annotations').key(ACCOUNT_NAME)));
      break;
    case 'kubernetes.io/dockercfg':
      addJSONObject(errors, '.dockercfg', data);
      break;
    case 'kubernetes.io/dockerconfigjson':
      addJSONObject(errors, '.dockerconfigjson', data);
      break;
    case 'kubernetes.io/basic-auth':
      if (data['username'] === undefined && data['password'] === undefined)
        addMissing('username', 'password');
      break;
    case 'kubernetes.io/ssh-auth':
      if ((data['ssh-privatekey'] ?? '') === '') errors.push(required(DATA.key('ssh-privatekey')));
      break;
    case 'kubernetes.io/tls':
      addMissing('tls.crt', 'tls.key');
  }
}

function addJSONObject(errors: Findings, key: string, data: Readonly<Record<string, string>>): void {
  const place = DATA.key(key);
  const value = data[key];
  if (value === undefined) errors.push(required(place));
  else {
    const problem = objectProblem(Buffer.from(value, 'base64').toString('utf8'));
    if (problem !== undefined) errors.push(invalid(place, '<secret contents redacted>', problem));
  }
}

/** Why a text cannot be read into a Go map. */
function objectProblem(text: string): string | undefined {
  try {
    const { value } = parseJSON(text);
    if (typeof value === 'object' && !Array.isArray(value)) return undefined;
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const PEM_BLOCK = /-----BEGIN ([^\n-]+)-----\n[A-Za-z0-9+/=\s]*-----END \1-----/g;
const isCertificate = (type: string): boolean => type === 'CERTIFICATE';
const isKey = (type: string): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY');

/** What Go's tls.X509KeyPair says of a part that has no block it looks for. */
function pemProblem(
  base64: string | undefined,
  what: 'certificate' | 'key',
  isWanted: (type: string) => boolean,
): string | undefined {
  const text = Buffer.from(base64 ?? '', 'base64').toString('latin1');
  const types = [...text.matchAll(PEM_BLOCK)].map(([, type]) => type!);
  if (types.some(isWanted)) return undefined;
  if (types.length === 0) return `tls: failed to find any PEM data in ${what} input`;
  const switched = 'PEM inputs may have been switched';
  if (what === 'key') {
    if (types.length === 1 && isCertificate(types[0]!))
      return `tls: found a certificate rather than a key in the PEM for the private key`;
    return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${goValue(types)}`;
  }
  if (types.length === 1 && types[0]!.endsWith('PRIVATE KEY'))
    return `tls: failed to find certificate PEM data in certificate input, but did find a private key; ${switched}`;
  return `tls: failed to find ${goQuote('CERTIFICATE')} PEM block in certificate input after skipping PEM blocks of the following types: ${goValue(types)}`;
}
