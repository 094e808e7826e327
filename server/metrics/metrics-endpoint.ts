/** `/metrics` in the Prometheus text format. */
import type { Counter } from 'prom-client';
import type { MetricFamily, Metrics } from '../../api/machinery/metrics.ts';
import type { Exchange } from '../exchange.ts';
import { respondCompressible } from '../negotiation/respond.ts';

export const METRICS_PATH = '/metrics';

/** Answers the one path; undefined for every other. The library that writes the format is loaded with the first request. */
export function createMetricsEndpoint(metrics: Metrics, gitVersion: string) {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  metrics
    .gauge('kubernetes_build_info', 'Always 1; the labels say what is running.', [
      'major',
      'minor',
      'git_version',
      'platform',
    ])
    .set([major, minor, gitVersion, `${process.platform}/${process.arch}`], 1);
  return async (exchange: Exchange): Promise<Response | undefined> => {
    if (exchange.info.path !== METRICS_PATH) return undefined;
    // A CommonJS module has one export that every loader agrees on.
    const { default: prometheus } = await import('prom-client');
    const { Registry, collectDefaultMetrics } = prometheus;
    const registry = new Registry();
    for (const family of metrics.collect()) registry.registerMetric(adapt(family));
    const own = await registry.metrics();
    processRegistry ??= new Registry();
    if (processRegistry.getMetricsAsArray().length === 0)
      collectDefaultMetrics({ register: processRegistry });
    const text = own + (await processRegistry.metrics());
    const headers = { 'Content-Type': registry.contentType };
    return respondCompressible(exchange, 200, headers, Buffer.from(text));
  };
}

/** One for the process, however many clusters it runs. */
let processRegistry: import('prom-client').Registry | undefined;

/** A registry asks a metric for its name, help, type and values and for nothing else. */
function adapt(family: MetricFamily): Counter {
  const { name, help, type } = family;
  return {
    name,
    get: () =>
      Promise.resolve({
        name,
        help,
        type,
        aggregator: 'sum',
        values: family
          .samples()
          .map(({ name: metricName, labels, value }) => ({ metricName, labels, value })),
      }),
  } as unknown as Counter;
}
