/** Priority classes. Mirrors pkg/apis/scheduling/validation. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { forbidden, notSupported, required, validateImmutable } from '../../machinery/field-errors.ts';
import type { PriorityClass } from '../../../openapi/generated/scheduling-v1.ts';

const SYSTEM_PREFIX = 'system-';
/** The only classes with the reserved prefix, and their values. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-node-critical': 2000001000,
  'system-cluster-critical': 2000000000,
};
/** Highest value of a class that users make. */
const VALUE_MAX = 1000000000;
const POLICIES = ['PreemptLowerPriority', 'Never'];
const POLICY = path('preemptionPolicy');

const priorityClass = defineBehaviour<PriorityClass>({
  setDefaults: (object) => {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  // Generation starts at 1 and stays there.
  generationView: () => undefined,
  validate: (object) => [...validateValue(object), ...validatePolicy(object.preemptionPolicy)],
  validateUpdate: (object, old) => [
    ...((object.value ?? 0) === (old.value ?? 0)
      ? []
      : [forbidden('value', 'may not be changed in an update.')]),
    ...validateImmutable(POLICY, object.preemptionPolicy, old.preemptionPolicy),
  ],
});

function validateValue(object: PriorityClass): FieldError[] {
  const { name = '' } = object.metadata;
  if (name.startsWith(SYSTEM_PREFIX)) {
    const why = systemClassError(object);
    return why === undefined
      ? []
      : [
          forbidden(
            'metadata.name',
            `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${why}`,
          ),
        ];
  }
  if ((object.value ?? 0) <= VALUE_MAX) return [];
  return [forbidden('value', `maximum allowed value of a user defined priority is ${VALUE_MAX}`)];
}

function systemClassError({
  metadata: { name = '' },
  value,
  globalDefault,
}: PriorityClass): string | undefined {
  if (!Object.hasOwn(SYSTEM_CLASSES, name)) return `${name} is not a known system priority class`;
  const wanted = SYSTEM_CLASSES[name]!;
  if ((value ?? 0) !== wanted) return `value of ${name} PriorityClass must be ${wanted}`;
  return globalDefault === true ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validatePolicy(policy: string | undefined): FieldError[] {
  if (policy === undefined || POLICIES.includes(policy)) return [];
  return [policy === '' ? required(POLICY) : notSupported(POLICY, policy, POLICIES)];
}

/** Behaviours of the group scheduling.k8s.io by plural name. */
export const schedulingBehaviours: GroupBehaviours = { priorityclasses: priorityClass };
