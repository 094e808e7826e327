/** Who looks after the pods of which scheduler name, and how they are told what becomes of them. */
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext } from '../runtime/controller.ts';
import { DEFAULT_SCHEDULER } from './configuration/defaults.ts';
import { newProfile, type Profile, type ProfileOptions } from './profile.ts';
import { Reporter } from './reporter.ts';

/** A profile at work. */
export interface Framework {
  readonly profile: Profile;
  readonly reporter: Reporter;
}

export class Profiles {
  readonly #frameworks: ReadonlyMap<string, Framework>;

  /** Throws upstream's error when the plugins of one do not go together. */
  constructor(context: ControllerContext, profiles: readonly ProfileOptions[]) {
    this.#frameworks = new Map(
      profiles.map((options) => {
        const { schedulerName } = options;
        const reporter = new Reporter(context, schedulerName);
        return [schedulerName, { profile: newProfile(options), reporter }];
      }),
    );
  }

  /** Whether the pod is for one of them. */
  has({ spec }: Pod): boolean {
    return this.#frameworks.has(spec.schedulerName ?? DEFAULT_SCHEDULER);
  }

  of({ spec }: Pod): Framework {
    return this.#frameworks.get(spec.schedulerName ?? DEFAULT_SCHEDULER)!;
  }
}

/** Does work that nobody waits for, and tells of its failure in the log. */
export type Background = (name: string, work: () => void | Promise<void>) => void;

export function newBackground({ logger, tasks }: ControllerContext): Background {
  return (name, work) => tasks.run(name, work, (error) => logger.error(`${name} failed`, { error }));
}
