/** Columns, subresources and selectable fields of custom resources. Mirrors apis/apiextensions/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { duplicate, invalid, required, tooMany } from '../../machinery/field-errors.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceSubresources,
  SelectableField,
} from '../../../openapi/generated/apiextensions-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import type { Schema } from './schema.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const SELECTABLE_TYPES = ['string', 'boolean', 'integer'];
const SELECTABLE_MAX = 8;

function validatePath(path: string, at: FieldPath): FieldError[] {
  return path.startsWith('.') ? [] : [invalid(at, path, 'must be a simple json path starting with .')];
}

export function validateColumn(column: CustomResourceColumnDefinition, at: FieldPath): FieldError[] {
  const { name = '', type = '', format = '', jsonPath = '' } = column;
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  const errors = name === '' ? [required(at.child('name'))] : [];
  if (type === '') errors.push(required(at.child('type'), types));
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalid(at.child('type'), type, types));
  if (format !== '' && !COLUMN_FORMATS.includes(format))
    errors.push(invalid(at.child('format'), format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  const place = at.child('JSONPath');
  return [...errors, ...(jsonPath === '' ? [required(place)] : validatePath(jsonPath, place))];
}

export function validateSubresources(
  subresources: CustomResourceSubresources | undefined,
  at: FieldPath,
): FieldError[] {
  const { scale } = subresources ?? {};
  if (isAbsent(scale)) return [];
  const replicas = (name: 'specReplicasPath' | 'statusReplicasPath', below: string): FieldError[] => {
    const place = at.child('scale', name);
    const path = scale[name] ?? '';
    if (path === '') return [required(place)];
    const errors = validatePath(path, place);
    if (errors.length > 0 || path.startsWith(`.${below}.`)) return errors;
    return [invalid(place, path, `should be a json path under .${below}`)];
  };
  const errors = [...replicas('specReplicasPath', 'spec'), ...replicas('statusReplicasPath', 'status')];
  const selector = scale.labelSelectorPath ?? '';
  if (selector === '') return errors;
  const place = at.child('scale', 'labelSelectorPath');
  const found = validatePath(selector, place);
  if (found.length === 0 && !selector.startsWith('.spec.') && !selector.startsWith('.status.'))
    found.push(invalid(place, selector, 'should be a json path under either .spec or .status'));
  return [...errors, ...found];
}

export function validateSelectableFields(
  fields: readonly SelectableField[],
  schema: Schema,
  at: FieldPath,
): FieldError[] {
  const known = new Set<string>();
  const errors = validateEach(fields, at, ({ jsonPath = '' }, item) => {
    const place = item.child('jsonPath');
    if (jsonPath === '') return [required(place)];
    const names = jsonPath.replace(/^\./, '').split('.');
    const target = names.reduce<Schema | undefined>((below, name) => below?.properties?.[name], schema);
    const isPath = jsonPath.startsWith('.');
    if (!isPath || target === undefined) {
      const why = isPath
        ? 'does not refer to a valid field'
        : `expected [ or . but got: ${names[0]!.split('[')[0]}`;
      return [invalid(place, jsonPath, `is an invalid path: ${why}`)];
    }
    const found: FieldError[] = [];
    if (names[0] === 'metadata') found.push(invalid(place, jsonPath, 'must not point to fields in metadata'));
    if (!SELECTABLE_TYPES.includes(target.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      found.push(invalid(place, jsonPath, why));
    }
    if (known.has(jsonPath)) found.push(duplicate(place, jsonPath));
    known.add(jsonPath);
    return found;
  });
  if (known.size > SELECTABLE_MAX) errors.push(tooMany(at, known.size, SELECTABLE_MAX));
  return errors;
}
