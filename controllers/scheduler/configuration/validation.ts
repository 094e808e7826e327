/** Rules of a configuration with its defaults, in upstream's words. Mirrors apis/config/validation/validation.go. */
import { isExtendedResource } from '../../../api/groups/common/resources.ts';
import { parseDurationMs } from '../../../api/machinery/duration.ts';
import { equalJSON } from '../../../api/machinery/equality.ts';
import type { FieldError } from '../../../api/machinery/errors.ts';
import { path, type FieldPath } from '../../../api/machinery/field-path.ts';
import { checkQualifiedName } from '../../../api/machinery/names.ts';
import { duplicate, invalid, invalidEach, required } from '../../../api/machinery/field-errors.ts';
import { EXTENSION_POINTS } from '../plugin.ts';
import type { CompleteConfiguration, CompleteProfile } from './defaults.ts';
import { validateArguments } from './validation-arguments.ts';
import type { ExtenderConfiguration, LeaderElection } from './types.ts';

/** Plugins there were once, refused by name. */
const REMOVED_PLUGINS: ReadonlySet<string> = new Set([
  'AzureDiskLimits',
  'CinderLimits',
  'EBSLimits',
  'GCEPDLimits',
]);

export function validateConfiguration(configuration: CompleteConfiguration): FieldError[] {
  const { given, parallelism, profiles, podInitialBackoffSeconds, podMaxBackoffSeconds } = configuration;
  const errors: FieldError[] = [];
  const burst = given.clientConnection?.burst ?? 0;
  if (burst < 0) errors.push(invalid('clientConnection.burst', burst, 'must be non-negative'));
  errors.push(...validateLeaderElection(configuration.leaderElection, path('leaderElection')));
  if (parallelism <= 0)
    errors.push(invalid('parallelism', parallelism, 'should be an integer value greater than zero'));
  errors.push(...validateProfiles(profiles, path('profiles')));
  errors.push(
    ...validatePercentage(path('percentageOfNodesToScore'), configuration.percentageOfNodesToScore),
  );
  if (podInitialBackoffSeconds <= 0)
    errors.push(invalid('podInitialBackoffSeconds', podInitialBackoffSeconds, 'must be greater than 0'));
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    const detail = 'must be greater than or equal to PodInitialBackoffSeconds';
    errors.push(invalid('podMaxBackoffSeconds', podMaxBackoffSeconds, detail));
  }
  errors.push(...validateExtenders(given.extenders ?? [], path('extenders')));
  return errors;
}

function validateLeaderElection(election: Required<LeaderElection>, at: FieldPath): FieldError[] {
  if (!election.leaderElect) return [];
  const errors: FieldError[] = [];
  const ms = (text: string): number => parseDurationMs(text) ?? 0;
  for (const field of ['leaseDuration', 'renewDeadline', 'retryPeriod'] as const) {
    const value = election[field];
    if (ms(value) <= 0) errors.push(invalid(at.child(field), value, 'must be greater than zero'));
  }
  if (ms(election.leaseDuration) <= ms(election.renewDeadline)) {
    // Upstream shows the deadline, under the path of the duration.
    const detail = 'must be greater than `RenewDeadline`';
    errors.push(invalid(at.child('leaseDuration'), election.renewDeadline, detail));
  }
  if (election.resourceLock !== 'leases') {
    const detail = 'resourceLock value must be "leases"';
    errors.push(invalid(at.child('resourceLock'), election.resourceLock, detail));
  }
  return errors;
}

function validatePercentage(at: FieldPath, value: number | undefined): FieldError[] {
  return value === undefined || (value >= 0 && value <= 100)
    ? []
    : [invalid(at, value, 'not in valid range [0-100]')];
}

function validateProfiles(profiles: readonly CompleteProfile[], at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, profile] of profiles.entries()) {
    const place = at.index(i);
    const { schedulerName } = profile;
    if (schedulerName === '') errors.push(required(place.child('schedulerName')));
    errors.push(
      ...validatePercentage(place.child('percentageOfNodesToScore'), profile.percentageOfNodesToScore),
      ...validatePlugins(profile, place),
    );
    // What upstream names as the value is a path, which prints as nothing.
    if (names.has(schedulerName)) errors.push(duplicate(place.child('schedulerName'), {}));
    names.add(schedulerName);
  }
  errors.push(...validateQueueSort(profiles, at));
  return errors;
}

function removed(at: FieldPath, name: string): FieldError {
  const detail =
    'was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")';
  return invalid(at, name, detail);
}

function validatePlugins({ plugins, pluginConfig }: CompleteProfile, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const point of EXTENSION_POINTS) {
    for (const [i, { name }] of (plugins[point]?.enabled ?? []).entries()) {
      if (REMOVED_PLUGINS.has(name))
        errors.push(removed(at.child('plugins', point, 'enabled').index(i), name));
    }
  }
  const seen = new Set<string>();
  for (const [i, { name, args }] of pluginConfig.entries()) {
    const place = at.child('pluginConfig').index(i);
    if (seen.has(name)) errors.push(duplicate(place, name));
    seen.add(name);
    if (REMOVED_PLUGINS.has(name)) errors.push(removed(place, name));
    else errors.push(...validateArguments(name, args, place.child('args')));
  }
  return errors;
}

/** One queue has one order. */
function validateQueueSort(profiles: readonly CompleteProfile[], at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const setOf = ({ plugins }: CompleteProfile): { Enabled: unknown; Disabled: unknown } => ({
    Enabled: orNull(
      plugins.queueSort?.enabled?.map(({ name, weight = 0 }) => ({ Name: name, Weight: weight })),
    ),
    Disabled: orNull(plugins.queueSort?.disabled?.map(({ name }) => ({ Name: name, Weight: 0 }))),
  });
  const first = profiles[0];
  if (first === undefined) return [];
  const enabled = first.plugins.queueSort?.enabled?.length ?? 0;
  if (enabled > 1) {
    const place = at.index(0).child('plugins', 'queueSort', 'Enabled');
    errors.push(invalid(place, enabled, 'only one queue sort plugin can be enabled'));
  }
  for (const [i, profile] of profiles.entries()) {
    if (!equalJSON(setOf(first), setOf(profile))) {
      const place = at.index(i).child('plugins', 'queueSort');
      errors.push(invalid(place, setOf(profile), 'must be the same for all profiles'));
    }
  }
  return errors;
}

function orNull<T>(list: readonly T[] | undefined): readonly T[] | null {
  return list === undefined || list.length === 0 ? null : list;
}

function validateExtenders(extenders: readonly ExtenderConfiguration[], at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const managed = new Set<string>();
  for (const [i, extender] of extenders.entries()) {
    const place = at.index(i);
    const weight = extender.weight ?? 0;
    if (extender.prioritizeVerb !== undefined && weight <= 0)
      errors.push(invalid(place.child('weight'), weight, 'must have a positive weight applied to it'));
    for (const [j, { name = '' }] of (extender.managedResources ?? []).entries()) {
      const nameAt = place.child('managedResources').index(j).child('name');
      errors.push(...validateManagedResource(name, nameAt));
      if (managed.has(name)) errors.push(invalid(nameAt, name, 'duplicate extender managed resource name'));
      managed.add(name);
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== undefined).length;
  if (binders > 1) {
    const value = `found ${binders} extenders implementing bind`;
    errors.push(invalid(at, value, 'only one extender can implement bind'));
  }
  return errors;
}

function validateManagedResource(name: string, at: FieldPath): FieldError[] {
  const texts = checkQualifiedName(name);
  if (texts.length > 0) return invalidEach(at, name, texts);
  return isExtendedResource(name) ? [] : [invalid(at, name, 'is an invalid extended resource name')];
}
