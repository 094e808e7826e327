/** What certificate signing requests may ask for. Mirrors pkg/apis/certificates/validation and core validation ValidateSignerName. */
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { byteLength, goQuote } from '../../machinery/go-format.ts';
import { checkDNS1123Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import { duplicate, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts';
import type { CertificateSigningRequestSpec } from '../../../openapi/generated/certificates-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import { readCertificateRequest } from './certificate-request.ts';

const SPEC = path('spec');
const SIGNER = SPEC.child('signerName');
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const EXPIRATION_SECONDS_MIN = 600;
const DOMAIN_LENGTH_MAX = 253;
/** A domain, a slash, and a name made of a label and a subdomain. */
const SIGNER_LENGTH_MAX = 253 + 1 + 63 + 1 + 253;
const USAGES = new Set([
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]);

export function validateSpec(spec: CertificateSigningRequestSpec): FieldError[] {
  const { request, usages = [], signerName = '', expirationSeconds } = spec;
  const at = SPEC.child('usages');
  const errors: FieldError[] = [];
  const problem = problemOfRequest(Buffer.from(request ?? '', 'base64').toString('latin1'));
  if (problem !== undefined) errors.push(invalid(SPEC.child('request'), request, problem));
  if (usages.length === 0) errors.push(required(at));
  errors.push(
    ...validateEach(usages, at, (usage, place) =>
      USAGES.has(usage) ? [] : [notSupported(place, usage, USAGES)],
    ),
    ...validateEach(usages, at, (usage, place, index) =>
      usages.indexOf(usage) < index ? [duplicate(place, usage)] : [],
    ),
    ...validateSignerName(signerName),
  );
  if (!isAbsent(expirationSeconds) && expirationSeconds < EXPIRATION_SECONDS_MIN) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalid(SPEC.child('expirationSeconds'), expirationSeconds, why));
  }
  return errors;
}

/** What is wrong with the request itself: it must be signed with the key it is for. */
function problemOfRequest(pem: string): string | undefined {
  try {
    readCertificateRequest(pem).checkSignature();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function validateSignerName(name: string): FieldError[] {
  if (name === LEGACY_SIGNER)
    return [invalid(SIGNER, name, 'the legacy signerName is not allowed via this API version')];
  if (name === '') return [required(SIGNER)];
  const [domain = '', rest, ...more] = name.split('/');
  if (rest === undefined || more.length > 0) {
    const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [invalid(SIGNER, name, why)];
  }
  const errors: FieldError[] = [];
  if (byteLength(domain) > DOMAIN_LENGTH_MAX) errors.push(tooLong(SIGNER, domain, DOMAIN_LENGTH_MAX));
  errors.push(...firstBadLabel(domain, checkDNS1123Label));
  if (!domain.includes('.')) {
    const why = 'should be a domain with at least two segments separated by dots';
    errors.push(invalid(SIGNER, domain, why));
  }
  errors.push(...firstBadLabel(rest, checkDNS1123Subdomain));
  if (byteLength(name) > SIGNER_LENGTH_MAX) errors.push(tooLong(SIGNER, name, SIGNER_LENGTH_MAX));
  return errors;
}

/** What is wrong with the first label that has something wrong. */
function firstBadLabel(segment: string, check: (label: string) => string[]): FieldError[] {
  for (const label of segment.split('.')) {
    const texts = check(label);
    if (texts.length > 0)
      return texts.map((text) => invalid(SIGNER, segment, `validating label ${goQuote(label)}: ${text}`));
  }
  return [];
}
