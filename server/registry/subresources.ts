/** Subresources that are created: binding and eviction of pods, tokens of service accounts. Others are refused by name. */
import { StatusError, type Status } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { bind } from './creators/binding.ts';
import type { Creator, CreatorOptions } from './creators/creator.ts';
import { evict } from './creators/eviction.ts';
import { createToken } from './creators/token.ts';
import type { ObjectTarget, RequestContext, ResourceTarget, WriteOptions } from './interface.ts';

export interface SubresourceCreators {
  /** POST of `body` to a subresource; answers with what the client gets. */
  create(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    subresource: string,
    body: UnknownObject,
    options: WriteOptions,
  ): Promise<UnknownObject | Status>;
}

/** By `plural/subresource`. */
const CREATORS: Readonly<Record<string, Creator>> = {
  'pods/binding': bind,
  'pods/eviction': evict,
  'serviceaccounts/token': createToken,
};

export const CREATED_SUBRESOURCES: readonly string[] = Object.keys(CREATORS);

export function createSubresourceCreators(options: CreatorOptions): SubresourceCreators {
  return {
    create: (context, target, object, subresource, body, writeOptions) => {
      const name = `${target.definition.names.plural}/${subresource}`;
      const creator = Object.hasOwn(CREATORS, name) ? CREATORS[name] : undefined;
      if (creator === undefined)
        throw new StatusError('', `${name} is not implemented by kubemu`, { code: 501 });
      return creator({ options, context, target, object, body, writeOptions });
    },
  };
}
