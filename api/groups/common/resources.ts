/** Names and amounts of resources. Mirrors pkg/apis/core/helper/helpers.go and the resource checks of validation.go. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkQualifiedName } from '../../machinery/names.ts';
import {
  compareQuantity,
  formatQuantity,
  tryParseQuantity,
  type Quantity,
  ZERO_QUANTITY,
} from '../../machinery/quantity.ts';
import { invalid } from '../../machinery/field-errors.ts';
import { addEach, NEGATIVE_TEXT, NOT_POSITIVE_TEXT, type Findings } from './findings.ts';

const HUGE_PAGES = 'hugepages-';
const REQUESTS = 'requests.';
const NATIVE_DOMAIN = 'kubernetes.io/';
const MILLI = 1_000_000n;
const UNIT = 1_000_000_000n;

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
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const QUOTA = new Set([
  ...COMPUTE,
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  ...COUNTED,
]);
const STANDARD = new Set([...QUOTA, 'storage']);
const INTEGERS = new Set(COUNTED);

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

/** Without a domain, or of a Kubernetes domain. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes(NATIVE_DOMAIN);
}

/** Requests may be below limits. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** Of a vendor: `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith(REQUESTS)) return false;
  return checkQualifiedName(`${REQUESTS}${name}`).length === 0;
}

export function isStandardQuotaResource(name: string): boolean {
  return QUOTA.has(name) || isHugePages(name) || name.startsWith(`${REQUESTS}${HUGE_PAGES}`);
}

function isStandardResource(name: string): boolean {
  return STANDARD.has(name) || isStandardQuotaResource(name);
}

function isStandardContainerResource(name: string): boolean {
  return COMPUTE.includes(name) || isHugePages(name);
}

/** A quantity that was checked when it was decoded; nonsense counts as nothing. */
export function quantityOf(text: string | undefined): Quantity {
  return text === undefined ? ZERO_QUANTITY : (tryParseQuantity(text) ?? ZERO_QUANTITY);
}

export function compareAmounts(a: string | undefined, b: string | undefined): number {
  return a === b ? 0 : compareQuantity(quantityOf(a), quantityOf(b));
}

function awayFromZero(nano: bigint, step: bigint): bigint {
  return nano < 0n ? -((-nano + step - 1n) / step) : (nano + step - 1n) / step;
}

/** Whether an amount has a part below one, in thousandths as upstream rounds them. */
export function isFractional(text: string): boolean {
  return awayFromZero(quantityOf(text).nano, MILLI) % 1000n !== 0n;
}

/** Upstream's rule for names of any resource; true when nothing was found. */
export function addResourceName(errors: Findings, at: FieldPath, name: string): boolean {
  if (STANDARD.has(name)) return true;
  const texts = checkQualifiedName(name);
  addEach(errors, at, name, texts);
  if (texts.length > 0) return false;
  if (name.includes('/') || isStandardResource(name)) return true;
  errors.push(invalid(at, name, 'must be a standard resource type or fully qualified'));
  return false;
}

/** Names of resources that containers ask for. */
export function addContainerResourceName(errors: Findings, at: FieldPath, name: string): void {
  if (COMPUTE.includes(name)) return;
  addResourceName(errors, at, name);
  const parts = name.split('/').length;
  if (parts === 1) {
    if (!isStandardContainerResource(name))
      errors.push(invalid(at, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name))
    errors.push(invalid(at, name, "doesn't follow extended resource name standard"));
}

/** Names of resources that quotas count. */
export function addQuotaResourceName(errors: Findings, at: FieldPath, name: string): void {
  addResourceName(errors, at, name);
  if (!name.includes('/') && !isStandardQuotaResource(name))
    errors.push(invalid(at, name, 'must be a standard resource for quota'));
}

export function addNonnegativeQuantity(errors: Findings, at: FieldPath, value: string): void {
  if (value.startsWith('-')) errors.push(invalid(at, value, NEGATIVE_TEXT));
}

export function addPositiveQuantity(errors: Findings, at: FieldPath, value: string): boolean {
  if (quantityOf(value).nano > 0n) return true;
  errors.push(invalid(at, value, NOT_POSITIVE_TEXT));
  return false;
}

/** Not negative, and whole for what can only be counted. */
export function addResourceQuantity(errors: Findings, at: FieldPath, name: string, value: string): void {
  addNonnegativeQuantity(errors, at, value);
  if (COMPUTE.includes(name)) return;
  if ((INTEGERS.has(name) || isExtendedResource(name)) && isFractional(value))
    errors.push(invalid(at, value, 'must be an integer'));
}

/** Upstream shows the whole number of a negative amount, not its text. */
export function addBasicQuantity(errors: Findings, at: FieldPath, value: string): void {
  const whole = awayFromZero(quantityOf(value).nano, UNIT);
  if (whole < 0n) errors.push(invalid(at, Number(whole), 'must be a valid resource quantity'));
}

/** Whether an amount of huge pages is a whole number of pages. */
export function isDivisibleByPage(name: string, value: string): boolean {
  const size = tryParseQuantity(name.slice(HUGE_PAGES.length));
  if (size === undefined || size.nano <= 0n || isFractional(name.slice(HUGE_PAGES.length))) return false;
  return awayFromZero(quantityOf(value).nano, UNIT) % awayFromZero(size.nano, UNIT) === 0n;
}

const FINER_THAN_MILLI = /(?:[nu]|[eE]-\d+)$/;

/** Rounds amounts up to thousandths, the finest the API keeps, in place. Mirrors SetDefaults_ResourceList. */
export function roundUpAmounts(list: Record<string, string> | undefined): void {
  for (const [name, value] of Object.entries(list ?? {})) {
    if (!FINER_THAN_MILLI.test(value)) continue;
    const { nano, format } = quantityOf(value);
    list![name] = formatQuantity({ nano: awayFromZero(nano, MILLI) * MILLI, format });
  }
}
