/** Who wrote which object into which state, kept while somebody waits for the cluster to settle: it tells who fights. */
import { formatKey, type UnknownObject } from '../../api/machinery/object-meta.ts';
import type {
  RequestContext,
  ResourceRegistry,
  ResourceTarget,
  ResultObject,
} from '../registry/interface.ts';

/** Two writers that undo each other's work. */
export interface Fight {
  /** For example `deployments.apps default/web`. */
  readonly object: string;
  readonly writers: readonly string[];
  /** Paths that go to and fro, for example `spec.replicas`. */
  readonly fields: readonly string[];
  /** How often a state came back that another writer had changed. */
  readonly rounds: number;
}

/** A state that comes back this often is no coincidence. */
export const FIGHT_ROUNDS = 5;
/** States remembered of one object. */
const STATES_MAX = 8;

interface State {
  readonly writer: string;
  readonly content: string;
}

interface Trail {
  readonly states: State[];
  readonly writers: Set<string>;
  readonly fields: Set<string>;
  rounds: number;
}

export class WriteJournal {
  readonly #trails = new Map<string, Trail>();
  #readers = 0;
  #listeners = new Set<() => void>();

  /** Starts keeping; call the result to stop. `onFight` is called once a fight is certain. */
  open(onFight: () => void): () => void {
    this.#readers++;
    this.#listeners.add(onFight);
    return () => {
      this.#listeners.delete(onFight);
      if (--this.#readers === 0) this.#trails.clear();
    };
  }

  /** Whether anybody waits for what it tells. */
  get isOpen(): boolean {
    return this.#readers > 0;
  }

  get fights(): Fight[] {
    return [...this.#trails]
      .filter(([, { rounds }]) => rounds >= FIGHT_ROUNDS)
      .map(([object, { writers, fields, rounds }]) => ({
        object,
        writers: [...writers].sort(),
        fields: [...fields].sort(),
        rounds,
      }));
  }

  /** Notes a write; a state that the object had before, and another writer left, counts against both. */
  note(writer: string, object: string, value: UnknownObject): void {
    if (!this.isOpen) return;
    const content = contentOf(value);
    const trail = this.#trailOf(object);
    const last = trail.states.at(-1);
    if (last?.content === content) return;
    const before = trail.states.findLast((state) => state.content === content);
    if (before !== undefined && last !== undefined && last.writer !== writer) {
      trail.rounds++;
      trail.writers.add(writer).add(last.writer);
      for (const path of changedPaths(JSON.parse(last.content), JSON.parse(content))) trail.fields.add(path);
    }
    trail.states.push({ writer, content });
    if (trail.states.length > STATES_MAX) trail.states.shift();
    if (trail.rounds === FIGHT_ROUNDS) for (const listener of this.#listeners) listener();
  }

  #trailOf(object: string): Trail {
    let trail = this.#trails.get(object);
    if (trail === undefined) {
      trail = { states: [], writers: new Set(), fields: new Set(), rounds: 0 };
      this.#trails.set(object, trail);
    }
    return trail;
  }
}

/** Members that change with every write and say nothing about its intent. */
const BOOKKEEPING = new Set(['resourceVersion', 'generation', 'observedGeneration', 'managedFields']);

function contentOf(value: UnknownObject): string {
  return JSON.stringify(value, (key, member: unknown) =>
    BOOKKEEPING.has(key) || key.endsWith('Time') ? undefined : member,
  );
}

/** Paths of the leaves in which two JSON values differ. */
function changedPaths(a: unknown, b: unknown, path = ''): string[] {
  if (Object.is(a, b)) return [];
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return [path];
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
    changedPaths(left[key], right[key], path === '' ? key : `${path}.${key}`),
  );
}

/** The registry, with every write that begins while the journal is open, and changes something, noted in it. */
export function journalled(registry: ResourceRegistry, journal: WriteJournal): ResourceRegistry {
  const note = (context: RequestContext, target: ResourceTarget, { object }: ResultObject): void => {
    const { group, names } = target.definition;
    const { namespace = '', name = '' } = object.metadata;
    const resource = group === '' ? names.plural : `${names.plural}.${group}`;
    journal.note(
      context.writer ?? context.user.name,
      `${resource} ${formatKey({ namespace, name })}`,
      object,
    );
  };
  return {
    current: (...args) => registry.current(...args),
    get: (...args) => registry.get(...args),
    list: (...args) => registry.list(...args),
    watch: (...args) => registry.watch(...args),
    create: (context, target, scope, object, options) => {
      const creation = registry.create(context, target, scope, object, options);
      if (!journal.isOpen || options.dryRun) return creation;
      return creation.then((result) => {
        note(context, target, result);
        return result;
      });
    },
    update: (context, target, object, updater, options) => {
      const update = registry.update(context, target, object, updater, options);
      if (!journal.isOpen || options.dryRun) return update;
      return update.then((outcome) => {
        note(context, target, outcome.result);
        return outcome;
      });
    },
    delete: (...args) => registry.delete(...args),
    deleteCollection: (...args) => registry.deleteCollection(...args),
  };
}
