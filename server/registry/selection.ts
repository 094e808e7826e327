/** Label and field selectors of one read, joined. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { parseFieldSelector, type FieldSelector } from '../../api/machinery/fields.ts';
import { parseLabelSelector, type LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

export class Selection {
  readonly isEmpty: boolean;
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
  }

  matches(object: UnknownObject): boolean {
    if (this.#labels !== undefined && !this.#labels.matches(object.metadata.labels ?? {})) return false;
    return this.#fields === undefined || this.#fields.matches((field) => this.#value(object, field));
  }

  #check(field: string): void {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && this.#definition.namespaced)) return;
    if (this.#definition.behaviour.fieldSelectors?.[field] !== undefined) return;
    throw newBadRequest(`field label not supported: ${field}`);
  }

  #value(object: UnknownObject, field: string): string {
    if (field === 'metadata.name') return object.metadata.name ?? '';
    if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
    return this.#definition.behaviour.fieldSelectors![field]!(object);
  }
}
