/** POST to a subresource whose body is another kind. */
import type { DefinitionSet } from '../../../api/definition-set.ts';
import { isNotFound, type Status } from '../../../api/machinery/errors.ts';
import type { Clock } from '../../../api/machinery/clock.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import type { ServiceAccountTokens } from '../../authn/service-account-tokens.ts';
import type {
  ObjectTarget,
  RequestContext,
  ResourceRegistry,
  ResourceTarget,
  WriteOptions,
} from '../interface.ts';

export interface CreatorOptions {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  readonly clock: Clock;
  /** Signs tokens of service accounts; without it they are refused by name. */
  readonly tokens?: ServiceAccountTokens;
}

/** One POST. */
export interface Creation {
  readonly options: CreatorOptions;
  readonly context: RequestContext;
  readonly target: ResourceTarget;
  /** The object whose subresource it is. */
  readonly object: ObjectTarget;
  readonly body: UnknownObject;
  readonly writeOptions: WriteOptions;
}

/** Answers with what the client gets. */
export type Creator = (creation: Creation) => Promise<UnknownObject | Status>;

export const SUCCESS: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  code: 201,
};

/** A core/v1 object; undefined when there is none. */
export async function readCore(
  { registry, definitions }: Pick<CreatorOptions, 'registry' | 'definitions'>,
  context: RequestContext,
  resource: string,
  object: ObjectTarget,
): Promise<UnknownObject | undefined> {
  const definition = definitions.find('', 'v1', resource)!;
  try {
    const result = await registry.get(context, { definition, version: 'v1' }, object, {});
    return result.object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
