/**
 * What upstream's first roles give to everybody: asking about oneself, discovery and health. Mirrors the roles
 * system:basic-user, system:discovery and system:public-info-viewer.
 */
import type { AuthorizationAttributes, Authorizer, UserRules } from './authorizer.ts';

const AUTHENTICATED = 'system:authenticated';

/** Reviews about oneself, by group. */
const REVIEWS: Readonly<Record<string, readonly string[]>> = {
  'authentication.k8s.io': ['selfsubjectreviews'],
  'authorization.k8s.io': ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
};

/** A trailing `*` stands for anything. */
const PUBLIC_PATHS = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const DISCOVERY_PATHS = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];

const RULES: UserRules = {
  resourceRules: Object.entries(REVIEWS).map(([group, resources]) => ({
    verbs: ['create'],
    apiGroups: [group],
    resources,
  })),
  nonResourceRules: [
    { verbs: ['get'], nonResourceURLs: DISCOVERY_PATHS },
    { verbs: ['get'], nonResourceURLs: PUBLIC_PATHS },
  ],
  incomplete: false,
};

/** Says yes to what everybody may do and has no opinion on the rest. */
export const everybody: Authorizer = {
  authorize: (attributes) => ({ decision: isForEverybody(attributes) ? 'allow' : 'no-opinion' }),
  rulesOf: ({ groups }) =>
    groups.includes(AUTHENTICATED) ? RULES : { resourceRules: [], nonResourceRules: [], incomplete: false },
};

function isForEverybody({
  user,
  isResourceRequest,
  verb,
  apiGroup,
  resource,
  path,
}: AuthorizationAttributes): boolean {
  const isKnown = user.groups.includes(AUTHENTICATED);
  if (isResourceRequest) return isKnown && verb === 'create' && (REVIEWS[apiGroup] ?? []).includes(resource);
  if (verb !== 'get' && verb !== 'head') return false;
  return (isKnown ? DISCOVERY_PATHS : PUBLIC_PATHS).some((pattern) => matches(pattern, path));
}

function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
