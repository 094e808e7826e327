/** Headers that every answer carries. */
import { randomUUID, type Random } from '../../api/machinery/random.ts';
import type { Filter } from './filter.ts';

/** Longer ones are not echoed, as upstream. */
const AUDIT_ID_LENGTH_MAX = 64;

export function responseHeaders(random: Random): Filter {
  return (next) => (exchange) => {
    const { headers, request } = exchange;
    const auditId = request.headers.get('audit-id') ?? '';
    headers['Audit-Id'] =
      auditId !== '' && auditId.length <= AUDIT_ID_LENGTH_MAX ? auditId : randomUUID(random);
    headers['Cache-Control'] = 'no-cache, private';
    return next(exchange);
  };
}
