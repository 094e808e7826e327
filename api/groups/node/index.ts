/** Runtime classes. Mirrors pkg/apis/node/validation and registry/node/runtimeclass strategy.go. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import { path } from '../../machinery/field-path.ts';
import { checkDNS1123Label } from '../../machinery/names.ts';
import { duplicate, validateImmutable } from '../../machinery/field-errors.ts';
import { validateLabels } from '../../machinery/label-validation.ts';
import type { RuntimeClass } from '../../../openapi/generated/node-v1.ts';
import type { Findings } from '../common/findings.ts';
import { deprecatedNodeLabel } from '../common/node-selectors.ts';
import { validateRequiredText } from '../common/text.ts';
import { addOverhead } from '../core/container-resources.ts';
import { addTolerations } from '../core/pod-affinity.ts';

const SCHEDULING = path('scheduling');
const TOLERATIONS = SCHEDULING.child('tolerations');

const runtimeClass = defineBehaviour<RuntimeClass>({
  allowBareFinalizers: true,
  validate: validateRuntimeClass,
  validateUpdate: (object, old) => [
    ...validateRuntimeClass(object),
    ...validateImmutable('handler', object.handler ?? '', old.handler ?? ''),
  ],
  warnings: ({ scheduling }) =>
    Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
      const text = deprecatedNodeLabel(key);
      return text === undefined ? [] : [`${String(SCHEDULING.child('nodeSelector'))}: ${text}`];
    }),
});

function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): Findings {
  const errors: Findings = validateRequiredText('handler', handler, checkDNS1123Label);
  if (overhead !== undefined)
    addOverhead(errors, path('overhead'), (overhead.podFixed ?? {}) as Record<string, string>, {});
  errors.push(...validateLabels(scheduling?.nodeSelector, SCHEDULING.child('nodeSelector')));
  const tolerations = scheduling?.tolerations ?? [];
  addTolerations(errors, TOLERATIONS, tolerations);
  const seen = new Set<string>();
  for (const [index, toleration] of tolerations.entries()) {
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) errors.push(duplicate(TOLERATIONS.index(index), toleration));
    seen.add(identity);
  }
  return errors;
}

/** Behaviours of the group node.k8s.io by plural name. */
export const nodeBehaviours: GroupBehaviours = { runtimeclasses: runtimeClass };
