/** Something that users do with a cluster, told once for whoever reconciles it. */
import type { ControlPlane } from './control-plane.ts';
import { picture, type Picture } from './normalise.ts';
import { Session } from './session.ts';

export interface Scenario {
  /** What happens; short, since its namespace is called after it. */
  readonly name: string;
  /** Whether it changes nodes in a way that others would notice: it is played with no other, one after the other. */
  readonly alone?: boolean;
  /** Whether it makes nodes of its own, which the rest would notice: it is played in another cluster at the same time. */
  readonly apart?: boolean;
  /** What the scheduler is configured with; those with the same are played together, apart from the rest. */
  readonly schedulerConfiguration?: object;
  /** Does it, and waits for what has to come of it. */
  readonly run: (session: Session) => Promise<void>;
}

/** How many scenarios go on at a time. */
const AT_A_TIME = 32;

function namespaceOf({ name }: Scenario): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63);
}

export interface Outcome {
  /** What its namespace held at the end. */
  readonly picture: Picture;
  /** Why it did not come to its end. */
  readonly error?: Error;
}

/** Plays scenarios, several at a time, each in its namespace; by name what became of them. */
export async function play(
  plane: ControlPlane,
  scenarios: readonly Scenario[],
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const worker = async (left: Scenario[]): Promise<void> => {
    for (let scenario = left.shift(); scenario !== undefined; scenario = left.shift())
      outcomes.set(scenario.name, await playOne(plane, scenario));
  };
  const together = scenarios.filter(({ alone }) => alone !== true);
  await Promise.all(Array.from({ length: AT_A_TIME }, () => worker(together)));
  await worker(scenarios.filter(({ alone }) => alone === true));
  return outcomes;
}

async function playOne(plane: ControlPlane, scenario: Scenario): Promise<Outcome> {
  const namespace = namespaceOf(scenario);
  let session: Session | undefined;
  let failure: { error?: Error } = {};
  try {
    session = await Session.open(plane, namespace);
    await scenario.run(session);
    await session.quiet();
  } catch (error) {
    failure = { error: error instanceof Error ? error : new Error(String(error)) };
  }
  const { mirror } = plane;
  const itself = mirror.list('Namespace').filter(({ metadata }) => metadata.name === namespace);
  const notes = session?.notes ?? [];
  const seen = picture([...mirror.all(namespace), ...itself, ...notes], mirror.ever(namespace));
  await session?.end();
  return { picture: seen, ...failure };
}
