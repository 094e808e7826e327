import fc from 'fast-check';
import { expect, it } from 'vitest';
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import { SchedulerCache } from '../../../controllers/scheduler/cache.ts';
import type { Node, Pod } from '../../../openapi/generated/core-v1.ts';

const ZONE = 'topology.kubernetes.io/zone';

const node = (name: string, zone: string): Node =>
  ({ metadata: { name, labels: { [ZONE]: zone } }, spec: {}, status: {} }) as unknown as Node;

const pod = (uid: string): Pod =>
  ({
    metadata: { name: uid, namespace: 'default', uid, labels: { app: 'web' } },
    spec: { containers: [] },
    status: {},
  }) as unknown as Pod;

const name = fc.constantFrom('n1', 'n2', 'n3', 'n4');
const step = fc.oneof(
  fc.record({ set: name, zone: fc.constantFrom('a', 'b') }),
  fc.record({ remove: name }),
  fc.record({ place: fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5'), on: name }),
  fc.record({ release: fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5') }),
);

it('counts pods by node and zone as they are, whatever nodes and pods came and went', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new SchedulerCache();
      const selector = selectorFromLabelSelector({ matchLabels: { app: 'web' } });
      const query = { selections: [{ namespaces: new Set(['default']), selector }] };
      const placed = new Map<string, string>();
      for (const each of steps) {
        if ('set' in each) cache.setNode(node(each.set, each.zone));
        else if ('remove' in each) cache.removeNode(each.remove);
        else if ('place' in each) {
          cache.place(pod(each.place), each.on);
          placed.set(each.place, each.on);
        } else {
          cache.release(each.release);
          placed.delete(each.release);
        }
        const counts = cache.index.counts(query);
        const bySlot = counts.bySlot(cache.slots);
        const zones = new Map<string, number>();
        for (const { name: on, slot, zone } of cache.nodes) {
          const expected = [...placed.values()].filter((other) => other === on).length;
          expect(bySlot[slot]).toBe(expected);
          if (expected > 0) zones.set(zone!, (zones.get(zone!) ?? 0) + expected);
        }
        expect(new Map(counts.byDomain(ZONE))).toEqual(zones);
      }
    }),
  );
});
