/** The table of rules in docs/reference/validation.md, made from the golden cases: what no case covers is not in it. */
import type { RuleCase, RuleFile } from './rule-cases.ts';

/** Cases of one kind, from all its files. */
export interface KindRules {
  /** For example `pods` or `roles.rbac.authorization.k8s.io`. */
  readonly resource: string;
  readonly kind: string;
  readonly files: readonly RuleFile[];
}

const TYPES: Readonly<Record<string, string>> = {
  FieldValueRequired: 'required',
  FieldValueInvalid: 'invalid',
  FieldValueNotSupported: 'unsupported',
  FieldValueForbidden: 'forbidden',
  FieldValueDuplicate: 'duplicate',
  FieldValueTooLong: 'too long',
  FieldValueTooMany: 'too many',
  FieldValueTooShort: 'too short',
  FieldValueNotFound: 'not found',
  FieldValueTypeInvalid: 'wrong type',
  InternalError: 'internal error',
};
const TEXT_LENGTH_MAX = 160;
const ANY_METADATA =
  /^metadata\.(name|generateName|namespace|labels|annotations|finalizers|ownerReferences|generation|managedFields)/;

export function formatRules(kinds: readonly KindRules[], unchecked: readonly string[]): string {
  const cases = kinds.flatMap(({ files }) => files.flatMap((file) => file.cases)).length;
  const parts = [
    '# Rules of kinds',
    '',
    'Made by `npm run generate` from the golden cases in `test/golden/rules`; do not edit. Each case holds what the registry',
    'strategies of Kubernetes answer to an object, and a test holds the answers of kubemu against it: a rule that is in these',
    `tables is checked, with its path, type, text and order. ${cases} cases of ${kinds.length} kinds.`,
    '',
    'Metadata is checked alike for every kind (names, labels, annotations, finalizers, owner references, generation) and left out',
    'of the tables. Lists are written `[]`, values are left out of the texts, long texts are cut.',
    '',
    'Not checked: expressions (JSONPath, and CEL but for the selectors of devices, whose worst cost is not estimated) beyond being',
    'there, defaults in schemas of custom resources against their own types, and what drivers write into the',
    'status of resource claims.',
    '',
    `Kinds without cases: ${unchecked.join(', ')}.`,
    '',
    '| kind | cases | fields with rules | set or cleared by the server | warnings |',
    '|---|---|---|---|---|',
    ...kinds.map(summary),
    '',
    ...kinds.flatMap(section),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function casesOf({ files }: KindRules): RuleCase[] {
  return files.flatMap((file) => file.cases);
}

function summary(kind: KindRules): string {
  const cases = casesOf(kind);
  const warnings = cases.some((rule) => (rule.warnings ?? []).length > 0) ? 'yes' : '';
  const cells = [kind.kind, cases.length, rulesOf(kind).size, changedFields(cases).length, warnings];
  return `| ${cells.join(' | ')} |`;
}

/** Fields that an accepted object comes back with other values in, on create. */
function changedFields(cases: readonly RuleCase[]): string[] {
  const pointers = cases
    .filter(({ on }) => on === 'create')
    .flatMap(({ becomes = {}, set }) =>
      Object.keys(becomes).filter((pointer) => !Object.hasOwn(set, pointer)),
    );
  const fields = pointers.map((pointer) =>
    pointer
      .slice(1)
      .replaceAll('/', '.')
      .replaceAll('~1', '/')
      .replace(/\.\d+(?=\.|$)/g, '[]'),
  );
  return [...new Set(fields.filter((field) => field !== ''))].sort();
}

/** Texts of rules by field, both without indexes and values. */
function rulesOf(kind: KindRules): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, Set<string>>();
  for (const { on, errors = [] } of casesOf(kind)) {
    for (const error of errors) {
      const [, type = '', field = '', message = ''] = /^(\S+) (.*?): (.*)$/s.exec(error) ?? [];
      if (ANY_METADATA.test(field)) continue;
      const name = field.replace(/\[[^\]]*\]/g, '[]');
      const where = on === 'create' || on === 'update' ? '' : ` (${on})`;
      const text = `${TYPES[type] ?? type}${plainText(message)}${where}`;
      rules.set(name, (rules.get(name) ?? new Set()).add(text));
    }
  }
  return new Map(
    [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, texts]) => [field, [...texts]]),
  );
}

/** The text behind the value, cut to what says the rule. */
function plainText(message: string): string {
  const withoutValue = message.replace(
    /^(Invalid value|Unsupported value|Duplicate value|Not found|Required value|Forbidden|Too long|Too many|Too short|Internal error)(: (?:"(?:\\.|[^"\\])*"|\{.*?\}(?=: |$)|\[.*?\](?=: |$)|[-\w.]+))?(?=: |$)(: )?/s,
    '',
  );
  const short = withoutValue.replace(/ \(e\.g\..*$| \(regex used.*$/s, '').replace(/\s+/g, ' ');
  if (short === '') return '';
  const cut = short.length > TEXT_LENGTH_MAX ? `${short.slice(0, TEXT_LENGTH_MAX - 3)}...` : short;
  return `: ${cut.replaceAll('|', '\\|').replaceAll('<', '&lt;')}`;
}

function section(kind: KindRules): string[] {
  const changed = changedFields(casesOf(kind));
  const rows = [...rulesOf(kind)].map(
    ([field, texts]) => `| \`${field === '' ? '(object)' : field}\` | ${texts.join('<br>')} |`,
  );
  return [
    `## ${kind.kind}`,
    '',
    `\`${kind.resource}\`; set or cleared by the server: ${changed.map((field) => `\`${field}\``).join(', ') || 'nothing'}.`,
    '',
    ...(rows.length === 0 ? ['No rules beyond metadata.'] : ['| field | refused as |', '|---|---|', ...rows]),
    '',
  ];
}
