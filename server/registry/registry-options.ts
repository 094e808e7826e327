import type { DefinitionSet } from '../../api/definition-set.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import type { Random } from '../../api/machinery/random.ts';
import type { Store } from '../../storage/interface.ts';
import type { AdmissionChain } from '../admission/index.ts';
import type { ResourceHooks } from './resource-hooks.ts';

export interface RegistryOptions {
  readonly store: Store;
  /** Name of the cluster in every key. */
  readonly cluster: string;
  readonly definitions: DefinitionSet;
  readonly admission: AdmissionChain;
  /** Time of the objects. */
  readonly clock: Clock;
  /** Time of the callers, who wait no longer when the cluster's time stands still. Default: `clock`. */
  readonly wall?: Clock;
  readonly random: Random;
  /** By `plural.group` (`services`). */
  readonly hooks?: Readonly<Record<string, ResourceHooks>>;
  /** Deep-freezes stored objects, so that a reader who changes one is found out. For tests: it costs time. */
  readonly freeze?: boolean;
}
