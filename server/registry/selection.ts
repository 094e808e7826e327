/** Label and field selectors of one read, joined. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { parseFieldSelector, type FieldSelector } from '../../api/machinery/fields.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { parseLabelSelector, type LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { Labels } from '../../api/machinery/label-requirement.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

/** What selectors look at in an object. */
export interface Selectable {
  /** Whose fields they are. */
  readonly definition: ResourceDefinition;
  readonly labels: Labels;
  /** By the names selectors have for them. */
  readonly fields: Readonly<Record<string, string>>;
}

const NO_LABELS: Labels = {};

/** What selectors look at in an object of the definition. */
export function newSelectable(definition: ResourceDefinition, object: UnknownObject): Selectable {
  const { labels = NO_LABELS, name = '', namespace = '' } = object.metadata;
  const fields: Record<string, string> = { 'metadata.name': name, 'metadata.namespace': namespace };
  const selectors = definition.behaviour.fieldSelectors ?? {};
  for (const field of Object.keys(selectors)) fields[field] = selectors[field]!(object);
  return { definition, labels, fields };
}

/** A label or field that a selector wants to have one of some values; whatever matches has one of them. */
export interface Pin {
  readonly attribute: string;
  readonly values: readonly string[];
}

const LABEL = 'label ';
const FIELD = 'field ';

/** The value of what a pin names. */
export function attributeOf({ labels, fields }: Selectable, attribute: string): string | undefined {
  if (attribute.startsWith(FIELD)) return fields[attribute.slice(FIELD.length)];
  const key = attribute.slice(LABEL.length);
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

export class Selection {
  readonly isEmpty: boolean;
  readonly pins: readonly Pin[];
  /** The one name the fields ask for, if they do. */
  readonly name: string | undefined;
  readonly #labels: LabelSelectorMatcher | undefined;
  readonly #fields: FieldSelector | undefined;
  readonly #definition: ResourceDefinition;

  /** Throws 400 on a selector that cannot be parsed or names a field the kind cannot be selected by. */
  constructor(
    definition: ResourceDefinition,
    labelSelector: string | undefined,
    fieldSelector: string | undefined,
  ) {
    this.#definition = definition;
    try {
      this.#labels = (labelSelector ?? '') === '' ? undefined : parseLabelSelector(labelSelector!);
      this.#fields = (fieldSelector ?? '') === '' ? undefined : parseFieldSelector(fieldSelector!);
    } catch (error) {
      throw newBadRequest((error as Error).message);
    }
    for (const { field } of this.#fields?.requirements ?? []) this.#check(field);
    this.isEmpty = this.#labels === undefined && this.#fields === undefined;
    this.name = this.#fields?.exactValue('metadata.name');
    this.pins = [
      ...(this.#labels?.requirements ?? [])
        .filter(({ operator }) => operator === '=' || operator === '==' || operator === 'in')
        .map(({ key, values }) => ({ attribute: LABEL + key, values: [...new Set(values)] })),
      ...(this.#fields?.requirements ?? [])
        .filter(({ operator }) => operator === '=')
        .map(({ field, value }) => ({ attribute: FIELD + field, values: [value] })),
    ];
  }

  matches({ labels, fields }: Selectable): boolean {
    if (this.#labels !== undefined && !this.#labels.matches(labels)) return false;
    return this.#fields === undefined || this.#fields.matches((field) => fields[field] ?? '');
  }

  /** Kinds that say nothing of their fields take the namespace even when they have none; it is empty then. */
  #check(field: string): void {
    const { behaviour, group, namespaced } = this.#definition;
    const selectors = behaviour.fieldSelectors;
    if (field === 'metadata.name') return;
    if (field === 'metadata.namespace' && (namespaced || selectors === undefined)) return;
    if (selectors !== undefined && Object.hasOwn(selectors, field)) return;
    throw newBadRequest(unsupportedField(group, selectors !== undefined, field));
  }
}

/** Mirrors runtime.DefaultMetaV1FieldSelectorConversion and the conversions of labels of pkg/apis. */
function unsupportedField(group: string, hasSelectors: boolean, field: string): string {
  if (!hasSelectors)
    return `${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
  return group === 'batch'
    ? `field label ${goQuote(field)} not supported for Job`
    : `field label not supported: ${field}`;
}
