/**
 * Writes prepared.json: the policy, flow control and API services every cluster starts with, as the registry stores them,
 * so that a start writes bytes instead of validating two hundred objects. `npm run generate`; CI checks that it is current.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefinitionSet } from '../../api/definition-set.ts';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { VirtualClock } from '../../api/machinery/clock.ts';
import { createLogger } from '../../api/machinery/logger.ts';
import { SeededRandom } from '../../api/machinery/random.ts';
import { TaskTracker } from '../../api/machinery/tasks.ts';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import { createAdmissionChain } from '../admission/index.ts';
import { createObjectReader } from '../admission/reader.ts';
import { createLoopbackClient } from '../loopback-client.ts';
import { createRegistry } from '../registry/resource-registry.ts';
import { ensureAPIServices } from './api-services.ts';
import { ensureFlowControl } from './flow-control.ts';
import { collectPrepared, formatPrepared } from './prepared.ts';
import { ensurePolicy } from './rbac.ts';

const CLUSTER = 'prepared';
const clock = new VirtualClock();
const random = new SeededRandom('prepared');
const logger = createLogger({ level: 'silent', write: () => {}, now: () => clock.now() });
const definitions = new DefinitionSet(builtInDefinitions());
const store = await openStore({ engine: openEngine({ type: 'memory' }), logger });
const reader = createObjectReader(store, CLUSTER);
const registry = createRegistry({
  store,
  cluster: CLUSTER,
  definitions,
  admission: createAdmissionChain(
    { reader, random, client: () => client },
    { disable: ['NamespaceLifecycle'] },
  ),
  clock,
  random,
});
const creators = {
  create: () => Promise.reject(new Error('nothing prepared has subresources')),
};
const tasks = new TaskTracker();
const client = createLoopbackClient({ registry, definitions, tasks, creators, clock }, 'kube-apiserver');
await ensurePolicy(client);
await ensureFlowControl(client);
await ensureAPIServices(client, definitions);
const prepared = collectPrepared(store, CLUSTER, definitions);
writeFileSync(join(import.meta.dirname, 'prepared.json'), formatPrepared(prepared));
await store.close();
