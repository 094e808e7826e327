/**
 * Tells of node ports that cannot be kept. Part of the API server upstream, and so not to be switched off. Which ports are
 * taken is worked out from the services there are, so that none is ever lost. Mirrors portallocator/controller/repair.go.
 */
import type { Timer } from '../../api/machinery/clock.ts';
import { services, type Service } from '../../openapi/generated/core-v1.ts';
import type { ControllerDefinition } from '../runtime/controller.ts';

/** Mirrors the interval the API server gives its repair loops. */
const INTERVAL_MS = 3 * 60_000;

export const portRepairController: ControllerDefinition = {
  name: 'portallocator-repair-controller',
  description: {
    does: 'Part of the API server: tells every three minutes of node ports out of range or of several services. It always runs.',
    watches: ['services'],
    writes: [],
    events: ['PortAlreadyAllocated', 'PortOutOfRange'],
  },
  setup: (context) => {
    const informer = context.informer(services);
    const recorder = context.recorder('portallocator-repair-controller');
    const { first, last } = context.options.nodePorts;
    let timer: Timer | undefined;
    const round = (): void => {
      const taken = new Set<number>();
      for (const service of informer.list()) {
        const warn = (reason: string, message: string): void =>
          recorder.event(service, 'Warning', reason, message, { action: 'PortAllocation' });
        for (const port of portsOf(service)) {
          if (port < first || port > last) {
            const why = `is not within the port range ${first}-${last}; please recreate service`;
            warn('PortOutOfRange', `Port ${port} ${why}`);
          } else if (taken.has(port)) {
            const why = 'was assigned to multiple services; please recreate service';
            warn('PortAlreadyAllocated', `Port ${port} ${why}`);
          }
          taken.add(port);
        }
      }
      timer = context.clock.schedule(INTERVAL_MS, round, { name: 'node port repair', recurring: true });
    };
    return { start: round, stop: () => timer?.cancel() };
  },
};

/** Every port with each protocol it is used twice with; one port of two protocols counts once. Mirrors collectServiceNodePorts. */
function portsOf({ spec }: Service): number[] {
  const protocols = new Map<number, Set<string>>();
  const ports: number[] = [];
  for (const { nodePort = 0, protocol = 'TCP' } of [
    ...(spec.ports ?? []),
    { nodePort: spec.healthCheckNodePort ?? 0 },
  ]) {
    if (nodePort === 0) continue;
    const seen = protocols.get(nodePort);
    if (seen === undefined || seen.has(protocol)) ports.push(nodePort);
    protocols.set(nodePort, (seen ?? new Set()).add(protocol));
  }
  return ports;
}
