/**
 * Field selectors: `metadata.name=x,status.phase!=Running`. Which fields a kind can be selected by is the definition's
 * business. Mirrors apimachinery fields/selector.go.
 */
import { compareText } from './go-format.ts';
import { SelectorError } from './label-requirement.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  /** Unescaped. */
  readonly value: string;
}

/** All requirements must hold. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  /** True when everything matches. */
  get empty(): boolean {
    return this.requirements.length === 0;
  }

  /** `valueOf` gives a field's value as text, '' when it is not set. */
  matches(valueOf: (field: string) => string): boolean {
    return this.requirements.every(
      ({ field, operator, value }) => (valueOf(field) === value) === (operator === '='),
    );
  }

  /** The value a field must have, when the selector pins it to one. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((item) => item.field === field && item.operator === '=')?.value;
  }

  /** Canonical text, values escaped. */
  toString(): string {
    return this.requirements
      .map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`)
      .join(',');
  }
}

/** Escapes a literal for use as a value in a field selector. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

function unescapeFieldValue(text: string): string {
  let out = '';
  const characters = Array.from(text);
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (character === '\\') {
      const next = characters[++index];
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      }
      out += next;
    } else if (character === ',' || character === '=') {
      throw new SelectorError(
        `invalid field selector: unescaped character in value: ${character.codePointAt(0)}`,
      );
    } else out += character;
  }
  return out;
}

/** Splits at commas that no backslash escapes; escapes stay. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === ',') {
      terms.push(text.slice(start, index));
      start = index + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

/** Parses the text form; '' matches everything. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text).sort(compareText)) {
    if (term === '') continue;
    const found = /!=|==|=/.exec(term);
    if (found === null) {
      throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const field = term.slice(0, found.index);
    const value = unescapeFieldValue(term.slice(found.index + found[0].length));
    // A term of an operator alone says nothing.
    if (field === '' && value === '') continue;
    requirements.push({ field, operator: found[0] === '!=' ? '!=' : '=', value });
  }
  return new FieldSelector(requirements);
}
