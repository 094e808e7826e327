/** Counts every request, whatever becomes of it. */
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import type { Filter } from './filter.ts';

export function requestMetrics(metrics: RequestMetrics): Filter {
  return (next) => (exchange) => {
    const end = metrics.begin(exchange);
    const count = (response: Response): Response => {
      end(response.status);
      return response;
    };
    const answer = next(exchange);
    return answer instanceof Promise ? answer.then(count) : count(answer);
  };
}
