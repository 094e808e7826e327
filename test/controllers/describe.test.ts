/** What the documentation says about controllers is true of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { VirtualClock } from '../../api/machinery/clock.ts';
import { createLogger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { SeededRandom } from '../../api/machinery/random.ts';
import { TaskTracker } from '../../api/machinery/tasks.ts';
import { formatControllers } from '../../controllers/describe.ts';
import {
  ABSENT_CONTROLLERS,
  CONTROLLERS,
  kubeletController,
  schedulerController,
  SERVER_CONTROLLERS,
} from '../../controllers/index.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
} from '../../controllers/runtime/controller.ts';
import { SharedInformer } from '../../controllers/runtime/informer.ts';

const ALL = [...CONTROLLERS, ...SERVER_CONTROLLERS, schedulerController, kubeletController];
const root = join(import.meta.dirname, '..', '..');

/** Resources whose informers a controller asks for when it is set up. */
function watchedBy(definition: ControllerDefinition): string[] {
  const watched = new Set<string>();
  const clock = new VirtualClock();
  const tasks = new TaskTracker();
  const logger = createLogger({ level: 'silent', write: () => undefined, now: () => 0 });
  const client: Client = new Proxy({} as Client, {
    get: (_, name) => (name === 'as' ? () => client : name === 'resources' ? () => [] : undefined),
  });
  const context: ControllerContext = {
    client,
    clock,
    random: new SeededRandom('describe'),
    tasks,
    logger,
    informer: <T extends KubeObject>(resource: ResourceType<T>): Informer<T> => {
      watched.add(resource.resource);
      return new SharedInformer<T>(resource, { client, clock, tasks, logger });
    },
    recorder: () => ({ event: () => undefined }),
    options: {
      ipFamilies: ['IPv4'],
      serviceCIDRs: ['10.96.0.0/16'],
      nodePorts: { first: 30000, last: 32767 },
      nodes: 1,
      caCertificate: '',
      kubernetesVersion: 'v1.36.2',
    },
  };
  definition.setup(context);
  return [...watched].sort();
}

describe.each(ALL.map((definition) => [definition.name, definition] as const))('%s', (_, definition) => {
  const { watches, writes, events = [] } = definition.description;

  it('watches what it says', () => {
    if (!watches.includes('*')) expect(watchedBy(definition)).toEqual(watches);
  });

  it('lists what it writes and records in order, once', () => {
    for (const list of [writes, events]) expect(list).toEqual([...new Set(list)].sort());
  });
});

it('docs/controllers.md is current', () => {
  expect(readFileSync(join(root, 'docs/controllers.md'), 'utf8')).toBe(
    formatControllers(ALL, ABSENT_CONTROLLERS),
  );
});
