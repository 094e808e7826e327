/** Certificate signing requests. Mirrors registry/certificates/certificates strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { forbidden, invalid } from '../../machinery/field-errors.ts';
import type { CertificateSigningRequest } from '../../../openapi/generated/certificates-v1.ts';
import { validateSpec } from './spec.ts';
import { conditionsOf, keepDecisions, stampConditions, validateConditions } from './conditions.ts';

export const certificateSigningRequest = defineBehaviour<CertificateSigningRequest>({
  prepareForCreate: (request, { user }) => {
    // Who asks is the server's to say.
    const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = request.spec;
    request.spec = {
      ...asked,
      username: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: [...user.groups],
      ...(user.extra === undefined
        ? {}
        : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, value]) => [key, [...value]])) }),
    };
    request.status = {};
  },
  prepareForUpdate: (request, old) => {
    request.spec = old.spec;
    request.status = old.status;
  },
  validate: ({ spec }) => validateSpec(spec),
  prepareForStatusUpdate: (request, old, { nowMs }) => {
    const kept = keepDecisions(conditionsOf(request), conditionsOf(old));
    setConditions(request, stampConditions(kept, conditionsOf(old), nowMs));
  },
  validateStatusUpdate: (request, old) => [
    ...validateConditions(conditionsOf(request), conditionsOf(old), false),
    ...validateCertificate(request, old),
  ],
});

export function setConditions(
  request: CertificateSigningRequest,
  conditions: ReturnType<typeof stampConditions>,
): void {
  request.status = { ...request.status, conditions: conditions.length === 0 ? undefined : conditions };
}

const CERTIFICATE = path('status', 'certificate');
const BLOCK = /-----BEGIN ([^-]+)-----[\s\S]*?-----END \1-----/g;

/** A signer writes PEM, once. Mirrors validateCertificate. */
function validateCertificate(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): FieldError[] {
  const text = request.status?.certificate ?? '';
  const before = old.status?.certificate ?? '';
  const errors: FieldError[] = [];
  const why = text === '' || text === before ? undefined : problemOf(Buffer.from(text, 'base64').toString());
  if (why !== undefined) errors.push(invalid(CERTIFICATE, '<certificate data>', why));
  if (before !== '' && text !== before)
    errors.push(forbidden(CERTIFICATE, 'updates may not modify existing certificate content'));
  return errors;
}

function problemOf(pem: string): string | undefined {
  const types = [...pem.matchAll(BLOCK)].map(([, type]) => type!);
  if (types.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  const other = types.find((type) => type !== 'CERTIFICATE');
  return other === undefined
    ? undefined
    : `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other)}`;
}
