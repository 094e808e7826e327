/** A short life of a cluster with all its controllers, undisturbed or not. */
import type { Client, ResourceType } from '../../../api/machinery/client.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import type { Clock } from '../../../api/machinery/clock.ts';
import { SeededRandom } from '../../../api/machinery/random.ts';
import { CONTROLLERS, kubeletController, schedulerController } from '../../../controllers/index.ts';
import type { CertificateSigner } from '../../../controllers/runtime/controller.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { counting, failing, late, ProcessClient, type Disturbance } from './disturbances.ts';
import { endState } from './end-state.ts';

export const ALL_CONTROLLERS = [...CONTROLLERS, schedulerController, kubeletController];

/** What a step of a scenario works with: the client of a user. */
export interface Stage extends Pick<
  Harness,
  'client' | 'clock' | 'get' | 'list' | 'change' | 'pods' | 'advance'
> {
  /** Creates an object in the default namespace, or in none where its kind knows none. */
  make<T extends KubeObject>(resource: ResourceType<T>, name: string, rest: object): Promise<void>;
  /** Deletes an object of the default namespace, or of none. */
  remove<T extends KubeObject>(
    resource: ResourceType<T>,
    name: string,
    options?: Parameters<Client['delete']>[2],
  ): Promise<void>;
  /** Of the pods with a label `app`, the first by name. */
  firstPod(app: string): Promise<Pod>;
}

export interface Scenario {
  readonly name: string;
  /** Names of the controllers that it is about. */
  readonly of: readonly string[];
  /** Simulated nodes. Default 1. */
  readonly nodes?: number;
  /** How long each step is given, in milliseconds of the cluster. Default 60 000. */
  readonly stepMs?: number;
  /** What may differ in the end when users and controllers meet at other times: members by their path. */
  readonly mayDiffer?: RegExp;
  /** What a user does, one after the other. */
  readonly steps: readonly ((stage: Stage) => Promise<unknown>)[];
  /** What there is in the end. */
  readonly check: (stage: Stage) => Promise<void>;
}

/** How long a cluster is left alone at the end. */
const CALM_MS = 400_000;
const STEP_MS = 60_000;
/** How late events may come. */
const LATE_MS = 1500;

export interface Outcome {
  readonly state: Record<string, unknown>;
  /** Writes of controllers, events and leases apart. */
  readonly writes: number;
  readonly logs: readonly string[];
}

export type Trouble =
  | { readonly type: 'none' }
  /** The process dies behind its n-th write, and another takes its place. */
  | { readonly type: 'restart'; readonly after: number }
  | { readonly type: 'failing' | 'late'; readonly seed: number };

/** Runs a scenario from its beginning to the calm behind its end. */
export async function play(
  scenario: Scenario,
  trouble: Trouble,
  /** Checks not only what comes without trouble. */
  { isAlwaysChecked = false }: { readonly isAlwaysChecked?: boolean } = {},
): Promise<Outcome> {
  const random = new SeededRandom(JSON.stringify(trouble));
  let writes = 0;
  let isOn = true;
  /** The process at work, and the cluster once it is there. */
  const running: { client?: ProcessClient; harness?: Harness } = {};
  let restarting: Promise<void> | undefined;
  const counted = counting(() => {
    // What every cluster has is there before the scenario begins.
    if (running.harness === undefined) return;
    writes++;
    if (trouble.type !== 'restart' || writes !== trouble.after) return;
    running.client!.die();
    restarting = running.harness.restart();
  });
  const disturbed = (clock: Clock): Disturbance => {
    if (trouble.type === 'failing') return { aroundWrite: failing(random, () => isOn) };
    if (trouble.type === 'late') return { aroundEvents: late(random, clock, LATE_MS) };
    return { aroundWrite: counted };
  };
  const harness = await startHarness(ALL_CONTROLLERS, scenario.name, {
    nodes: scenario.nodes ?? 1,
    signer: SIGNER,
    mayRequest: () => Promise.resolve(true),
    issueToken: () => Promise.resolve('token'),
    namespaces: ['kube-node-lease', 'kube-public', 'kube-system'],
    clientFor: (client, clock) => {
      running.client = new ProcessClient(client, disturbed(clock));
      return running.client.client;
    },
  });
  running.harness = harness;
  try {
    const stage = createStage(harness);
    const pass = async (ms: number): Promise<void> => {
      await harness.advance(ms);
      await restarting;
    };
    await pass(scenario.stepMs ?? STEP_MS);
    for (const step of scenario.steps) {
      await step(stage);
      await pass(scenario.stepMs ?? STEP_MS);
    }
    isOn = false;
    await pass(CALM_MS);
    if (isAlwaysChecked || trouble.type === 'none') await scenario.check(stage);
    return { state: await endState(harness.client), writes, logs: harness.logs };
  } finally {
    await harness.stop();
  }
}

function createStage(harness: Harness): Stage {
  const inNamespace = (resource: ResourceType<KubeObject>): { namespace?: string } =>
    resource.namespaced ? { namespace: NAMESPACE } : {};
  const { client } = harness;
  return {
    ...harness,
    make: async (resource, name, { metadata, ...rest }: { metadata?: object }) => {
      await client.create(resource, {
        metadata: { name, ...inNamespace(resource), ...metadata },
        ...rest,
      } as never);
    },
    remove: (resource, name, options) => client.delete(resource, { ...inNamespace(resource), name }, options),
    firstPod: async (app) => {
      const pods = (await harness.pods()).filter(({ metadata }) => metadata.labels?.['app'] === app);
      return pods.sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))[0]!;
    },
  };
}

/** Signs without looking. */
const SIGNER: CertificateSigner = {
  sign: (pem) => pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'),
};
