import { newForbidden } from '../../api/machinery/errors.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { PriorityClass } from '../../openapi/generated/scheduling-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';

const CLASSES = { group: 'scheduling.k8s.io', resource: 'priorityclasses' };
const PODS = { group: '', resource: 'pods' };
const DEFAULT_PREEMPTION_POLICY = 'PreemptLowerPriority';

/** Resolves priority classes of pods, and keeps the global default single. Mirrors plugin/pkg/admission/priority. */
export function priority({ reader }: AdmissionContext): AdmissionPlugin {
  const classes = (): readonly PriorityClass[] => reader.list(CLASSES) as unknown as readonly PriorityClass[];
  return {
    name: 'Priority',
    admit: ({ definition, operation, subresource, object, name }) => {
      if (
        operation !== 'CREATE' ||
        subresource !== '' ||
        definition.group !== '' ||
        definition.names.plural !== 'pods'
      )
        return;
      const pod = object as unknown as Pod;
      const className = pod.spec.priorityClassName ?? '';
      const chosen =
        className === ''
          ? defaultClass(classes())
          : classes().find(({ metadata }) => metadata.name === className);
      if (className !== '' && chosen === undefined)
        throw newForbidden(PODS, name, `no PriorityClass with name ${className} was found`);
      const value = chosen?.value ?? 0;
      const policy = chosen?.preemptionPolicy ?? DEFAULT_PREEMPTION_POLICY;
      if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
        throw newForbidden(
          PODS,
          name,
          `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy) {
        throw newForbidden(
          PODS,
          name,
          `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      }
      pod.spec.priority = value;
      pod.spec.preemptionPolicy = policy;
      if (className === '' && chosen !== undefined) pod.spec.priorityClassName = chosen.metadata.name;
    },
    validate: (request) => checkSingleDefault(request, classes),
  };
}

/** The global default; the lowest, should there be several. */
function defaultClass(classes: readonly PriorityClass[]): PriorityClass | undefined {
  return classes
    .filter(({ globalDefault }) => globalDefault === true)
    .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}

function checkSingleDefault(
  { definition, operation, object, name }: AdmissionRequest,
  classes: () => readonly PriorityClass[],
): void {
  if (definition.names.plural !== CLASSES.resource || definition.group !== CLASSES.group) return;
  if (
    (operation !== 'CREATE' && operation !== 'UPDATE') ||
    (object as unknown as PriorityClass).globalDefault !== true
  )
    return;
  const other = defaultClass(classes());
  if (other !== undefined && other.metadata.name !== name) {
    throw newForbidden(
      CLASSES,
      name,
      `PriorityClass ${other.metadata.name} is already marked as globalDefault`,
    );
  }
}
