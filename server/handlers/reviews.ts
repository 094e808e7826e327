/** Questions about who somebody is and what they may do. Mirrors registry/authentication and registry/authorization. */
import { newBadRequest, newInvalid } from '../../api/machinery/errors.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type {
  SelfSubjectReview,
  TokenReview,
  UserInfo as UserInfoObject,
} from '../../openapi/generated/authentication-v1.ts';
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '../../openapi/generated/authorization-v1.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import type { UserInfo } from '../registry/interface.ts';
import { matchNamespace } from '../registry/before-create.ts';
import type { ResourceRequest } from './resource-request.ts';
import type { VirtualCreator } from './virtual.ts';

/** The creators of the reviews that these can answer. */
export function reviewCreators(
  authenticator: Authenticator,
  authorizer: Authorizer,
): Readonly<Record<string, VirtualCreator>> {
  return {
    'tokenreviews.authentication.k8s.io': (request, object) => reviewToken(request, authenticator, object),
    'selfsubjectrulesreviews.authorization.k8s.io': async (request, object) => {
      const { spec } = object as unknown as SelfSubjectRulesReview;
      if ((spec?.namespace ?? '') === '') throw newBadRequest('no namespace on request');
      const rules = await authorizer.rulesOf?.(request.context.user, spec.namespace!);
      return finish(request, { ...object, status: rules ?? NO_RULES });
    },
    'selfsubjectreviews.authentication.k8s.io': (request) => {
      const review: SelfSubjectReview = {
        kind: 'SelfSubjectReview',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { creationTimestamp: formatTime(request.services.clock.now()) },
        status: { userInfo: userObject(request.context.user) },
      };
      return finish(request, review);
    },
    'selfsubjectaccessreviews.authorization.k8s.io': async (request, object) => {
      const { spec } = object as unknown as SelfSubjectAccessReview;
      return answer(request, authorizer, object, request.context.user, spec);
    },
    'subjectaccessreviews.authorization.k8s.io': async (request, object) => {
      const { spec } = object as unknown as SubjectAccessReview;
      return answer(request, authorizer, object, userOf(spec), spec);
    },
    'localsubjectaccessreviews.authorization.k8s.io': async (request, object) => {
      const { spec } = object as unknown as LocalSubjectAccessReview;
      return answer(request, authorizer, object, userOf(spec), spec);
    },
  };
}

const NO_RULES = { resourceRules: [], nonResourceRules: [], incomplete: false };

async function reviewToken(
  request: ResourceRequest,
  authenticator: Authenticator,
  review: UnknownObject,
): Promise<UnknownObject> {
  const { token = '', audiences = [] } = (review as unknown as TokenReview).spec ?? {};
  if (token === '') throw newBadRequest('token is required for TokenReview in authentication');
  const verdict = await authenticator.review(token, audiences);
  const status =
    'error' in verdict
      ? { user: {}, error: verdict.error }
      : { authenticated: true, user: userObject(verdict.user), audiences: [...verdict.audiences] };
  return finish(request, { ...review, status });
}

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

/** Throws 422 for a question that is not well asked; upstream's answer names no kind. */
function validateReview({ definition, scope }: ResourceRequest, review: UnknownObject): void {
  matchNamespace(review, definition.namespaced ? scope.namespace : '');
  const errors = definition.behaviour.validate?.(review) ?? [];
  if (errors.length > 0) throw newInvalid(definition.group, '', '', errors);
}

async function answer(
  request: ResourceRequest,
  authorizer: Authorizer,
  review: UnknownObject,
  user: UserInfo,
  spec: AccessSpec,
): Promise<UnknownObject> {
  validateReview(request, review);
  const { decision, reason = '' } = await authorizer.authorize(attributesOf(user, spec));
  const status = { allowed: decision === 'allow', ...(decision === 'deny' ? { denied: true } : {}), reason };
  return finish(request, { ...review, status });
}

function attributesOf(
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: AccessSpec,
): AuthorizationAttributes {
  const {
    group = '',
    version = '',
    namespace = '',
    resource = '',
    subresource = '',
    name = '',
  } = resourceAttributes ?? {};
  return {
    user,
    verb: resourceAttributes?.verb ?? nonResourceAttributes?.verb ?? '',
    isResourceRequest: resourceAttributes !== undefined,
    apiGroup: group,
    apiVersion: version,
    namespace,
    resource,
    subresource,
    name,
    path: nonResourceAttributes?.path ?? '',
  };
}

function userOf(spec: SubjectAccessReview['spec']): UserInfo {
  const { user = '', groups = [], uid, extra } = spec;
  return {
    name: user,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function userObject({ name, uid, groups, extra }: UserInfo): UserInfoObject {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined
      ? {}
      : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

function finish({ version }: ResourceRequest, review: object): UnknownObject {
  return canonicalize(version.schema, review);
}
