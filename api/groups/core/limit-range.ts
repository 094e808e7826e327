/** Limit ranges. Mirrors ValidateLimitRange of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkQualifiedName } from '../../machinery/names.ts';
import { duplicate, forbidden, invalid, required } from '../../machinery/field-errors.ts';
import type { LimitRange, LimitRangeItem } from '../../../openapi/generated/core-v1.ts';
import { addEach, type Findings, sortedEntries } from '../common/findings.ts';
import {
  addContainerResourceName,
  addResourceName,
  compareAmounts,
  isOvercommitAllowed,
  quantityOf,
  roundUpAmounts,
} from '../common/resources.ts';

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim'];
const LISTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

export const limitRange = defineBehaviour<LimitRange>({
  setDefaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) {
      for (const list of LISTS) roundUpAmounts(item[list]);
      if (item.type === 'Container') setContainerDefaults(item);
    }
  },
  // One without a name gets a UUID for a name.
  prepareForCreate: ({ metadata }) => {
    if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') === '') metadata.name = metadata.uid;
  },
  validate: validateLimits,
  validateUpdate: validateLimits,
});

/** A container's default is its most, its default request the default or the least. */
function setContainerDefaults(item: LimitRangeItem): void {
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
}

function validateLimits({ spec }: LimitRange): FieldError[] {
  const errors: Findings = [];
  const types = new Set<string>();
  (spec?.limits ?? []).forEach((item, index) => {
    const place = path('spec', 'limits').index(index);
    const { type = '' } = item;
    addType(errors, place.child('type'), type);
    if (types.has(type)) errors.push(duplicate(place.child('type'), type));
    types.add(type);
    addItem(errors, place, item);
  });
  return errors;
}

function addType(errors: Findings, at: FieldPath, type: string): void {
  const texts = checkQualifiedName(type);
  addEach(errors, at, type, texts);
  if (texts.length === 0 && !type.includes('/') && !TYPES.includes(type))
    errors.push(invalid(at, type, 'must be a standard limit type or fully qualified'));
}

function addItem(errors: Findings, at: FieldPath, item: LimitRangeItem): void {
  const isPod = item.type === 'Pod';
  const keys = new Set<string>();
  const addNames = (list: (typeof LISTS)[number]): void => {
    for (const [name] of sortedEntries(item[list])) {
      const place = at.child(list).key(name);
      if (isPod || item.type === 'Container') addContainerResourceName(errors, place, name);
      else addResourceName(errors, place, name);
      keys.add(name);
    }
  };
  addNames('max');
  addNames('min');
  for (const list of ['default', 'defaultRequest'] as const) {
    if (!isPod) addNames(list);
    else if (Object.keys(item[list] ?? {}).length > 0)
      errors.push(forbidden(at.child(list), "may not be specified when `type` is 'Pod'"));
  }
  const hasStorage = item.min?.['storage'] !== undefined || item.max?.['storage'] !== undefined;
  if (item.type === 'PersistentVolumeClaim' && !hasStorage) {
    const text = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(required(at.child('limits'), text));
  }
  addNames('maxLimitRequestRatio');
  for (const name of [...keys].sort()) addAmounts(errors, at, item, name, isPod);
}

function addAmounts(
  errors: Findings,
  at: FieldPath,
  item: LimitRangeItem,
  name: string,
  isPod: boolean,
): void {
  const min = item.min?.[name];
  const max = item.max?.[name];
  const usual = isPod ? undefined : item.default?.[name];
  const request = isPod ? undefined : item.defaultRequest?.[name];
  const isAbove = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareAmounts(a, b) > 0;
  const add = (list: string, shown: string, text: string): number =>
    errors.push(invalid(at.child(list).key(name), shown, text));
  if (isAbove(min, max)) add('min', min!, `min value ${min} is greater than max value ${max}`);
  if (isAbove(min, request))
    add('defaultRequest', request!, `min value ${min} is greater than default request value ${request}`);
  if (isAbove(request, max))
    add('defaultRequest', request!, `default request value ${request} is greater than max value ${max}`);
  if (isAbove(request, usual))
    add(
      'defaultRequest',
      request!,
      `default request value ${request} is greater than default limit value ${usual}`,
    );
  if (isAbove(min, usual)) add('default', min!, `min value ${min} is greater than default value ${usual}`);
  if (isAbove(usual, max)) add('default', max!, `default value ${usual} is greater than max value ${max}`);
  addRatio(errors, at.child('maxLimitRequestRatio').key(name), item.maxLimitRequestRatio?.[name], min, max);
  if (isOvercommitAllowed(name) || usual === undefined || request === undefined) return;
  if (compareAmounts(usual, request) !== 0)
    add(
      'defaultRequest',
      request,
      `default value ${usual} must equal to defaultRequest value ${request} in ${name}`,
    );
}

function addRatio(
  errors: Findings,
  at: FieldPath,
  ratio: string | undefined,
  min: string | undefined,
  max: string | undefined,
): void {
  if (ratio === undefined) return;
  if (compareAmounts(ratio, '1') < 0) errors.push(invalid(at, ratio, `ratio ${ratio} is less than 1`));
  if (min === undefined || max === undefined) return;
  const milli = (text: string): number => Math.ceil(Number(quantityOf(text).nano) / 1e6);
  const limit = milli(max) / milli(min);
  if (milli(ratio) / 1000 > limit)
    errors.push(invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${goFloat(limit)}`));
}

/** Go's `%f`. */
function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return value.toFixed(6);
}
