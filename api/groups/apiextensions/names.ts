/** Names of custom resources. Mirrors apis/apiextensions/validation ValidateCustomResourceDefinitionNames. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1035Label } from '../../machinery/names.ts';
import { invalid } from '../../machinery/field-errors.ts';
import type { CustomResourceDefinitionNames } from '../../../openapi/generated/apiextensions-v1.ts';
import { validateEach } from '../common/text.ts';

export function validateNames(names: Partial<CustomResourceDefinitionNames>, at: FieldPath): FieldError[] {
  const { kind = '', listKind = '' } = names;
  const label = (name: 'plural' | 'singular'): FieldError[] => joined(at.child(name), names[name] ?? '', '');
  const mixed = (name: 'kind' | 'listKind'): FieldError[] =>
    joined(at.child(name), names[name] ?? '', 'may have mixed case, but should otherwise match: ');
  const each = (list: readonly string[] | undefined, name: string): FieldError[] =>
    validateEach(list, at.child(name), (text, place) => {
      const texts = checkDNS1035Label(text);
      return texts.length === 0 ? [] : [invalid(place, text, texts.join(','))];
    });
  return [
    ...label('plural'),
    ...label('singular'),
    ...mixed('kind'),
    ...mixed('listKind'),
    ...each(names.shortNames, 'shortNames'),
    ...(kind !== '' && kind === listKind
      ? [invalid(at.child('listKind'), listKind, 'kind and listKind may not be the same')]
      : []),
    ...each(names.categories, 'categories'),
  ];
}

/** All texts about a name as one error; with an introduction its case does not matter. */
function joined(at: FieldPath, name: string, introduction: string): FieldError[] {
  if (name === '') return [];
  const texts = checkDNS1035Label(introduction === '' ? name : name.toLowerCase());
  return texts.length === 0 ? [] : [invalid(at, name, introduction + texts.join(','))];
}
