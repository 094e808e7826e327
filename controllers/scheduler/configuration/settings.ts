/** What the scheduler runs with, made of a KubeSchedulerConfiguration; what has no meaning within kubemu is refused by name. */
import { parseDurationMs } from '../../../api/machinery/duration.ts';
import type { FieldError } from '../../../api/machinery/errors.ts';
import { forbidden } from '../../../api/machinery/field-errors.ts';
import { DEFAULT_PROFILE, newProfile, type ProfileOptions } from '../profile.ts';
import { decodeConfiguration } from './decode.ts';
import { completeConfiguration, type CompleteProfile } from './defaults.ts';
import { aggregateText } from './errors.ts';
import type { PluginArguments, SchedulerConfiguration } from './types.ts';
import { validateConfiguration } from './validation.ts';

export interface SchedulerSettings {
  readonly profiles: readonly ProfileOptions[];
  /** Of a pod that found no node. */
  readonly backOffMs: { readonly initial: number; readonly max: number };
}

export const DEFAULT_SETTINGS: SchedulerSettings = {
  profiles: [DEFAULT_PROFILE],
  backOffMs: { initial: 1000, max: 10_000 },
};

/** Throws upstream's error, or one that names what kubemu does not do. `duplicates`: what the YAML reader found twice. */
export function schedulerSettings(value: unknown, duplicates?: string): SchedulerSettings {
  const configuration = completeConfiguration(decodeConfiguration(value, duplicates));
  const errors = validateConfiguration(configuration);
  if (errors.length > 0) throw new Error(aggregateText(errors));
  const refused = refusals(configuration.given);
  if (refused.length > 0) throw new Error(aggregateText(refused));
  const { percentageOfNodesToScore, podInitialBackoffSeconds, podMaxBackoffSeconds } = configuration;
  return {
    profiles: configuration.profiles.map((profile) => profileOf(profile, percentageOfNodesToScore)),
    backOffMs: { initial: 1000 * podInitialBackoffSeconds, max: 1000 * podMaxBackoffSeconds },
  };
}

/** Made once here, so that what is wrong with it is told before anything runs. */
function profileOf(profile: CompleteProfile, percentageOfNodesToScore: number): ProfileOptions {
  const options = { percentageOfNodesToScore, ...profile };
  try {
    newProfile(options);
    return options;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `initializing profiles: creating profile for scheduler name ${profile.schedulerName}: ${message}`,
      { cause: error },
    );
  }
}

const IN_PROCESS = 'the scheduler of kubemu speaks to it within the process';

function refusals(given: SchedulerConfiguration): FieldError[] {
  const { leaderElection = {}, clientConnection = {}, profiles = [] } = given;
  const errors: FieldError[] = [];
  const refuse = (path: string, detail: string): void => void errors.push(forbidden(path, detail));
  if (leaderElection.leaderElect === true)
    refuse('leaderElection.leaderElect', 'the scheduler of kubemu is the only one, and holds no election');
  for (const field of Object.keys(clientConnection)) refuse(`clientConnection.${field}`, IN_PROCESS);
  for (const field of ['enableProfiling', 'enableContentionProfiling'] as const)
    if (given[field] === true) refuse(field, 'kubemu has no profiling of Go');
  if (given.delayCacheUntilActive === true)
    refuse('delayCacheUntilActive', 'the scheduler of kubemu is active from the start');
  if ((given.extenders ?? []).length > 0) refuse('extenders', 'kubemu does not call extenders');
  for (const [i, { plugins = {}, pluginConfig = [] }] of profiles.entries()) {
    for (const point of ['placementGenerate', 'placementScore'])
      if (Object.keys((plugins as Record<string, object>)[point] ?? {}).length > 0)
        refuse(`profiles[${i}].plugins.${point}`, 'kubemu does not schedule pod groups');
    for (const [j, { name, args }] of pluginConfig.entries()) {
      if (name !== 'DynamicResources') continue;
      const { filterTimeout = '0s', bindingTimeout = '10m' } = args as Partial<
        PluginArguments['DynamicResources']
      >;
      const at = `profiles[${i}].pluginConfig[${j}].args`;
      if (parseDurationMs(filterTimeout) !== 0)
        refuse(`${at}.filterTimeout`, 'kubemu bounds the search for devices by steps, not by time');
      if (parseDurationMs(bindingTimeout) !== 600_000)
        refuse(`${at}.bindingTimeout`, 'kubemu waits ten minutes for devices to be bound');
    }
  }
  return errors;
}
