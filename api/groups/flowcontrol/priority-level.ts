/** Priority levels. Mirrors pkg/apis/flowcontrol/validation and v1/defaults.go. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../../openapi/generated/flowcontrol-v1.ts';
import { keepMetadata } from '../common/status.ts';
import { isAbsent } from '../common/text.ts';
import { validateConditionTypes } from './flow-schema.ts';
import { MANDATORY_PRIORITY_LEVELS } from './mandatory.ts';

const SPEC = path('spec');
const ZERO_SHARES_ANNOTATION = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';
const TYPES = new Set(['Exempt', 'Limited']);
const RESPONSES = new Set(['Queue', 'Reject']);
const QUEUES_MAX = 10_000_000;
/** Bits that shuffle sharding has for the hands of all flows. */
const HASH_BITS_MAX = 60;

export const priorityLevelConfiguration = defineBehaviour<PriorityLevelConfiguration>({
  setDefaults: ({ spec }) => {
    if (spec?.exempt !== undefined) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited === undefined) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing === undefined) return;
    // Zeros stand for the defaults, too.
    queuing.handSize = queuing.handSize || 8;
    queuing.queues = queuing.queues || 64;
    queuing.queueLengthLimit = queuing.queueLengthLimit || 50;
  },
  prepareForStatusUpdate: keepMetadata,
  validate: validateLevel,
  validateUpdate: validateLevel,
  validateStatusUpdate: ({ status }) => validateConditionTypes(status?.conditions),
});

function validateLevel({ metadata, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.annotations?.[ZERO_SHARES_ANNOTATION] !== undefined) {
    const why = `annotation '${ZERO_SHARES_ANNOTATION}' is forbidden`;
    errors.push(forbidden('metadata.annotations', why));
  }
  const name = metadata.name ?? '';
  return [
    ...errors,
    ...validateSpec(name, spec ?? ({} as PriorityLevelConfigurationSpec)),
    ...validateFixed(name, spec),
    ...validateConditionTypes(status?.conditions),
  ];
}

function validateFixed(name: string, spec: PriorityLevelConfigurationSpec | undefined): FieldError[] {
  if (!Object.hasOwn(MANDATORY_PRIORITY_LEVELS, name)) return [];
  const fixed = MANDATORY_PRIORITY_LEVELS[name];
  const isExempt = name === 'exempt';
  const compared = isExempt ? { ...spec, exempt: fixed?.exempt } : spec;
  if (equalJSON(compared, fixed)) return [];
  const exception = isExempt ? " except the 'spec.exempt' field" : '';
  return [invalid(SPEC, spec, `spec of '${name}'${exception} must equal the fixed value`)];
}

function validateSpec(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  const { type = '', limited, exempt } = spec;
  const errors: FieldError[] = [];
  if ((name === 'exempt') !== (type === 'Exempt'))
    errors.push(invalid(SPEC.child('type'), type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (!TYPES.has(type)) return [...errors, notSupported(SPEC.child('type'), type, TYPES)];
  if (type === 'Exempt') {
    if (limited !== undefined)
      errors.push(forbidden(SPEC.child('limited'), 'must be nil if the type is not Limited'));
    return exempt === undefined ? errors : [...errors, ...validateShares(exempt, SPEC.child('exempt'))];
  }
  if (exempt !== undefined)
    errors.push(forbidden(SPEC.child('exempt'), 'must be nil if the type is Limited'));
  if (limited === undefined)
    return [...errors, required(SPEC.child('limited'), 'must not be empty when type is Limited')];
  return [...errors, ...validateLimited(limited, SPEC.child('limited'))];
}

function validatePercent(percent: number | undefined, at: FieldPath): FieldError[] {
  if (isAbsent(percent) || (percent >= 0 && percent <= 100)) return [];
  return [invalid(at, percent, 'must be between 0 and 100, inclusive')];
}

function validateShares(
  { nominalConcurrencyShares: shares = 0, lendablePercent }: ExemptPriorityLevelConfiguration,
  at: FieldPath,
): FieldError[] {
  const errors =
    shares < 0
      ? [invalid(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer')]
      : [];
  return [...errors, ...validatePercent(lendablePercent, at.child('lendablePercent'))];
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: FieldPath): FieldError[] {
  const { nominalConcurrencyShares, lendablePercent, borrowingLimitPercent: borrowing } = limited;
  const errors = [
    ...validateShares({ nominalConcurrencyShares }, at),
    ...validateResponse(limited.limitResponse, at.child('limitResponse')),
    ...validatePercent(lendablePercent, at.child('lendablePercent')),
  ];
  if (!isAbsent(borrowing) && borrowing < 0) {
    const why = 'if specified, must be a non-negative integer';
    errors.push(invalid(at.child('borrowingLimitPercent'), borrowing, why));
  }
  return errors;
}

function validateResponse(response: LimitResponse | undefined, at: FieldPath): FieldError[] {
  const { type = '', queuing } = response ?? {};
  const place = at.child('queuing');
  if (!RESPONSES.has(type)) return [notSupported(at.child('type'), type, RESPONSES)];
  if (type === 'Reject')
    return queuing === undefined
      ? []
      : [forbidden(place, 'must be nil if limited.limitResponse.type is not Limited')];
  if (queuing === undefined)
    return [required(place, 'must not be empty if limited.limitResponse.type is Limited')];
  return validateQueuing(queuing, place);
}

function validateQueuing(queuing: QueuingConfiguration, at: FieldPath): FieldError[] {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  const errors: FieldError[] = [];
  const refuse = (name: string, value: number, why: string): number =>
    errors.push(invalid(at.child(name), value, why));
  if (queueLengthLimit <= 0) refuse('queueLengthLimit', queueLengthLimit, 'must be positive');
  if (queues <= 0) refuse('queues', queues, 'must be positive');
  else if (queues > QUEUES_MAX) refuse('queues', queues, `must not be greater than ${QUEUES_MAX}`);
  if (handSize <= 0) refuse('handSize', handSize, 'must be positive');
  else if (handSize > queues) refuse('handSize', handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > HASH_BITS_MAX) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS_MAX}`;
    refuse('handSize', handSize, why);
  }
  return errors;
}
