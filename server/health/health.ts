/** `/healthz`, `/livez` and `/readyz`. Mirrors apiserver server/healthz. */
import type { Exchange } from '../exchange.ts';
import { respond, respondText } from '../negotiation/respond.ts';

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

const HEALTH_ENDPOINTS: readonly HealthEndpoint[] = ['healthz', 'livez', 'readyz'];

export interface HealthCheck {
  readonly name: string;
  /** Endpoints that ask it. */
  readonly endpoints: readonly HealthEndpoint[];
  isHealthy(): boolean;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

/** Paths below which health is told: each endpoint, and each of its checks. */
export function healthPaths(checks: readonly HealthCheck[]): string[] {
  return HEALTH_ENDPOINTS.flatMap((endpoint) => [
    `/${endpoint}`,
    ...checks
      .filter(({ endpoints }) => endpoints.includes(endpoint))
      .map(({ name }) => `/${endpoint}/${name}`),
  ]);
}

/** Answers health requests; undefined when the path is none of them. */
export function createHealth(checks: readonly HealthCheck[]) {
  return (exchange: Exchange): Response | undefined => {
    const [, endpoint, name] = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(exchange.info.path) ?? [];
    if (endpoint === undefined) return undefined;
    const asked = checks.filter(({ endpoints }) => endpoints.includes(endpoint as HealthEndpoint));
    if (name === undefined || name === '') return respondAll(exchange, endpoint, asked);
    const check = asked.find((candidate) => candidate.name === name);
    if (check === undefined) return undefined;
    if (check.isHealthy()) return respond(exchange, 200, TEXT, 'ok');
    return respondText(exchange, 500, `internal server error: ${name} failed`);
  };
}

function respondAll(exchange: Exchange, endpoint: string, checks: readonly HealthCheck[]): Response {
  const { query } = exchange;
  const excluded = new Set(query.getAll('exclude'));
  let isHealthy = true;
  let report = '';
  for (const check of checks) {
    if (excluded.delete(check.name)) report += `[+]${check.name} excluded: ok\n`;
    else if (check.isHealthy()) report += `[+]${check.name} ok\n`;
    else {
      isHealthy = false;
      report += `[-]${check.name} failed: reason withheld\n`;
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].sort().map((name) => JSON.stringify(name));
    report += `warn: some health checks cannot be excluded: no matches for ${names.join(',')}\n`;
  }
  if (!isHealthy) return respondText(exchange, 500, `${report}${endpoint} check failed`);
  return respond(exchange, 200, TEXT, query.has('verbose') ? `${report}${endpoint} check passed\n` : 'ok');
}
