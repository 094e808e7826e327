/** Config maps. Mirrors ValidateConfigMap of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { invalid, tooLong } from '../../machinery/field-errors.ts';
import type { ConfigMap } from '../../../openapi/generated/core-v1.ts';
import { addConfigMapKey, type Findings, sortedEntries } from '../common/findings.ts';
import { addFrozenChanges, bytesIn, DATA_SIZE_BYTES_MAX } from './frozen-data.ts';

export const configMap = defineBehaviour<ConfigMap>({
  validate: validateData,
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    addFrozenChanges(errors, object, old, ['data', 'binaryData']);
    return [...errors, ...validateData(object)];
  },
});

function validateData({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: Findings = [];
  let size = 0;
  for (const [key, value] of sortedEntries(data)) {
    const place = path('data').key(key);
    addConfigMapKey(errors, place, key);
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(place, key, 'duplicate of key present in binaryData'));
    size += byteLength(value);
  }
  for (const [key, value] of sortedEntries(binaryData)) {
    addConfigMapKey(errors, path('binaryData').key(key), key);
    size += bytesIn(value);
  }
  if (size > DATA_SIZE_BYTES_MAX) errors.push(tooLong('[]', '', DATA_SIZE_BYTES_MAX));
  return errors;
}
