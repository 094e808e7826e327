/** Approving and denying certificate signing requests. Mirrors csrApprovalStrategy. */
import { definePart } from '../../definition.ts';
import type { CertificateSigningRequest } from '../../../openapi/generated/certificates-v1.ts';
import { conditionsOf, stampConditions, validateConditions } from './conditions.ts';
import { setConditions } from './signing-request.ts';

export const approval = definePart<CertificateSigningRequest>({
  prepareForUpdate: (request, old, { nowMs }) => {
    const conditions = stampConditions(conditionsOf(request), conditionsOf(old), nowMs);
    request.spec = old.spec;
    request.status = { ...old.status };
    setConditions(request, conditions);
  },
  validateUpdate: (request, old) => validateConditions(conditionsOf(request), conditionsOf(old), true),
});
