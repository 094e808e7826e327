/** Names and amounts of compute resources. Mirrors pkg/apis/core/helper and the resource rules of pkg/apis/core/validation. */
import type { ResourceRequirements } from '../../../openapi/generated/core-v1.ts';
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Label, checkQualifiedName } from '../../machinery/names.ts';
import { compareQuantity, parseQuantity, tryParseQuantity } from '../../machinery/quantity.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  required,
} from '../../machinery/validation.ts';

export type ResourceList = Readonly<Record<string, string>>;

const NANO = 1_000_000_000n;
const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const CONTAINER_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];
const QUOTA_RESOURCES = new Set([
  ...CONTAINER_RESOURCES.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  'requests.storage',
  ...COUNTED,
]);

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

function isQuotaHugePages(name: string): boolean {
  return isHugePages(name) || name.startsWith('requests.hugepages-');
}

/** Known to Kubernetes itself: unprefixed, or below kubernetes.io. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

export function isExtendedResource(name: string): boolean {
  return (
    !isNativeResource(name) &&
    !name.startsWith('requests.') &&
    checkQualifiedName(`requests.${name}`).length === 0
  );
}

/** Whether limits may be higher than requests. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** Whether quotas know how to count it. */
export function isQuotaResource(name: string): boolean {
  return QUOTA_RESOURCES.has(name) || isQuotaHugePages(name);
}

/** A name of any resource. */
export function validateResourceName(path: FieldPath, name: string): FieldError[] {
  const errors = invalidEach(path, name, checkQualifiedName(name));
  if (errors.length > 0 || name.includes('/')) return errors;
  const isStandard = isQuotaResource(name) || name === 'storage';
  return isStandard ? [] : [invalid(path, name, 'must be a standard resource type or fully qualified')];
}

/** A name of a resource that containers use. */
export function validateContainerResourceName(path: FieldPath, name: string): FieldError[] {
  const errors = validateResourceName(path, name);
  if (!name.includes('/')) {
    const isStandard = CONTAINER_RESOURCES.includes(name) || isHugePages(name);
    if (!isStandard) errors.push(invalid(path, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

const POD_RESOURCES = ['cpu', 'memory'];

/** A name of a resource that pods as a whole may ask for. */
export function validatePodResourceName(path: FieldPath, name: string): FieldError[] {
  const errors = validateResourceName(path, name);
  if (errors.length > 0) return errors;
  return POD_RESOURCES.includes(name) || isHugePages(name) ? [] : [notSupported(path, name, POD_RESOURCES)];
}

/** A name of a resource that a quota limits. */
export function validateQuotaResourceName(path: FieldPath, name: string): FieldError[] {
  const errors = validateResourceName(path, name);
  if (!name.includes('/') && !isQuotaResource(name))
    errors.push(invalid(path, name, 'must be a standard resource for quota'));
  return errors;
}

/** An amount: not negative, and whole for what is counted. */
export function validateResourceQuantity(path: FieldPath, name: string, amount: string): FieldError[] {
  const { nano } = parseQuantity(amount);
  const errors: FieldError[] = [];
  if (nano < 0n) errors.push(invalid(path, amount, 'must be greater than or equal to 0'));
  const isWhole = COUNTED.includes(name) || isExtendedResource(name);
  if (isWhole && nano % NANO !== 0n) errors.push(invalid(path, amount, 'must be an integer'));
  return errors;
}

/** An amount that is more than nothing. */
export function validatePositiveQuantity(path: FieldPath, amount: string): FieldError[] {
  return parseQuantity(amount).nano <= 0n ? [invalid(path, amount, 'must be greater than zero')] : [];
}

function validateHugePages(path: FieldPath, name: string, amount: string): FieldError[] {
  if (!isHugePages(name)) return [];
  const size = tryParseQuantity(name.slice('hugepages-'.length));
  const isDivisible =
    size !== undefined &&
    size.nano > 0n &&
    size.nano % NANO === 0n &&
    parseQuantity(amount).nano % size.nano === 0n;
  return isDivisible ? [] : [invalid(path, amount, `${amount} is not positive integer multiple of ${name}`)];
}

export interface RequirementRules {
  /** Names of spec.resourceClaims. */
  readonly claimNames?: ReadonlySet<string>;
  /** Default: the rule of containers. */
  readonly validateName?: (path: FieldPath, name: string) => FieldError[];
}

/** Requests and limits of a container, a pod, or overhead. Mirrors validateResourceRequirements. */
export function validateResourceRequirements(
  at: FieldPath,
  requirements: ResourceRequirements,
  { claimNames = new Set(), validateName = validateContainerResourceName }: RequirementRules = {},
): FieldError[] {
  const { limits = {}, requests = {} } = requirements;
  const amountErrors = (path: FieldPath, name: string, amount: string): FieldError[] => [
    ...validateName(path, name),
    ...validateResourceQuantity(path, name, amount),
  ];
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(limits)) {
    const path = at.child('limits').key(name);
    errors.push(...amountErrors(path, name, amount), ...validateHugePages(path, name, amount));
  }
  for (const [name, amount] of Object.entries(requests)) {
    const path = at.child('requests').key(name);
    errors.push(
      ...amountErrors(path, name, amount),
      ...validateRequest(at, name, amount, limits[name]),
      ...validateHugePages(path, name, amount),
    );
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbidden(at, 'HugePages require cpu or memory'));
  }
  return [...errors, ...validateClaims(at.child('claims'), requirements.claims ?? [], claimNames)];
}

function validateRequest(
  at: FieldPath,
  name: string,
  amount: string,
  limit: string | undefined,
): FieldError[] {
  if (limit === undefined) {
    return isOvercommitAllowed(name)
      ? []
      : [required(at.child('limits'), 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantity(parseQuantity(amount), parseQuantity(limit));
  if (order !== 0 && !isOvercommitAllowed(name))
    return [invalid(at.child('requests'), amount, `must be equal to ${name} limit of ${limit}`)];
  return order > 0
    ? [invalid(at.child('requests'), amount, `must be less than or equal to ${name} limit of ${limit}`)]
    : [];
}

function validateClaims(
  at: FieldPath,
  claims: NonNullable<ResourceRequirements['claims']>,
  claimNames: ReadonlySet<string>,
): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name, request = '' }, index) => {
    const path = at.index(index);
    if (name === '') return [required(path)];
    const errors: FieldError[] = [];
    const key = request === '' ? name : `${name}/${request}`;
    if (request !== '')
      errors.push(...invalidEach(path.child('request'), request, checkDNS1123Label(request)));
    if (seen.has(name)) errors.push(duplicate(path, name));
    else if (seen.has(key)) errors.push(duplicate(path, key));
    else if (request === '' && [...seen].some((other) => other.startsWith(`${name}/`)))
      errors.push(duplicate(path, name));
    seen.add(key);
    if (!claimNames.has(name)) {
      const why = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`;
      const missing = notFound(path, name);
      errors.push({
        ...missing,
        message: `${missing.message}: must be one of the names in pod.spec.resourceClaims${why}`,
      });
    }
    return errors;
  });
}
