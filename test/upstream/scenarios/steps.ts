/** Steps that scenarios of several files take. */
import type { Session } from '../session.ts';
import { SERVER } from './objects.ts';

/** A finalizer that nobody takes away. */
export const HOLD = 'example.com/hold';

export async function runs(session: Session, pod: string): Promise<void> {
  await session.has('Pod', pod, ({ status }) => status?.phase === 'Running');
}

/** Something of which nodes have as much as a scenario says, and nobody else asks for it. */
export function resourceOf({ namespace }: Session): string {
  return `scenario.example.com/${namespace.slice(0, 60)}`;
}

/** Gives a node so many places for pods of this scenario. */
export async function offer(session: Session, node: string, places: number): Promise<void> {
  const amounts = { [resourceOf(session)]: String(places) };
  await session.patch('Node', node, { status: { capacity: amounts, allocatable: amounts } }, 'status');
}

/** A spec that takes so many of those places. */
export function taking(session: Session, places = 1, rest: object = {}): object {
  const limits = { [resourceOf(session)]: String(places) };
  return { containers: [{ ...SERVER, resources: { limits } }], ...rest };
}

/** A priority class of this scenario. */
export async function classOf(session: Session, value: number, rest: object = {}): Promise<string> {
  const name = `${session.namespace}-${value}`;
  await session.create({ kind: 'PriorityClass', metadata: { name }, value, ...rest });
  return name;
}
