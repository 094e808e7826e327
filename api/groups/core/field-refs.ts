/** References from environment variables and files to fields and resources of the pod (the downward API). */
import type { FieldPath } from '../../machinery/field-path.ts';
import { invalid, notSupported, required } from '../../machinery/field-errors.ts';
import { canonicalQuantity } from '../../machinery/quantity.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../openapi/generated/core-v1.ts';
import { addQualifiedName, type Findings } from '../common/findings.ts';
import { quantityOf } from '../common/resources.ts';

/** Fields that files of a volume may show. */
export const VOLUME_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

/** Fields that environment variables may show. */
export const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Every field the downward API knows the name of. */
const KNOWN_FIELDS = new Set([
  ...VOLUME_FIELDS,
  ...ENV_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const HUGE_PAGES = /^(requests|limits)\.hugepages-/;

/** `metadata.labels['key']` in its two parts. */
function splitSubscript(fieldPath: string): { path: string; key: string } | undefined {
  if (!fieldPath.endsWith("']")) return undefined;
  const body = fieldPath.slice(0, -2);
  const at = body.indexOf("['");
  return at <= 0 ? undefined : { path: body.slice(0, at), key: body.slice(at + 2) };
}

export function addFieldRef(
  errors: Findings,
  at: FieldPath,
  { apiVersion = '', fieldPath = '' }: ObjectFieldSelector,
  allowed: readonly string[],
): void {
  if (apiVersion === '') {
    errors.push(required(at.child('apiVersion')));
    return;
  }
  if (fieldPath === '') {
    errors.push(required(at.child('fieldPath')));
    return;
  }
  const fail = (why: string): void => {
    errors.push(invalid(at.child('fieldPath'), fieldPath, `error converting fieldPath: ${why}`));
  };
  if (apiVersion !== 'v1') {
    fail(`unsupported pod version: ${apiVersion}`);
    return;
  }
  const subscript = splitSubscript(fieldPath);
  if (subscript !== undefined) {
    if (subscript.path === 'metadata.annotations') addQualifiedName(errors, at, subscript.key.toLowerCase());
    else if (subscript.path === 'metadata.labels') addQualifiedName(errors, at, subscript.key);
    else fail(`field label does not support subscript: ${fieldPath}`);
    return;
  }
  const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  if (!KNOWN_FIELDS.has(field)) fail(`field label not supported: ${fieldPath}`);
  else if (!allowed.includes(field)) errors.push(notSupported(at.child('fieldPath'), field, allowed));
}

const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const BYTE_DIVISORS_TEXT = `only divisor's values ${BYTE_DIVISORS.join(', ')} are supported with the`;

export function addResourceFieldRef(
  errors: Findings,
  at: FieldPath,
  { containerName = '', resource = '', divisor }: ResourceFieldSelector,
  needsContainer: boolean,
): void {
  if (needsContainer && containerName === '') errors.push(required(at.child('containerName')));
  else if (resource === '') errors.push(required(at.child('resource')));
  else if (!RESOURCES.includes(resource) && !HUGE_PAGES.test(resource))
    errors.push(notSupported(at.child('resource'), resource, RESOURCES));
  if (divisor !== undefined && quantityOf(divisor).nano !== 0n)
    addDivisor(errors, at.child('divisor'), resource, canonicalQuantity(divisor));
}

function addDivisor(errors: Findings, at: FieldPath, resource: string, divisor: string): void {
  const kind = resource.replace(/^(requests|limits)\./, '');
  if (kind === resource) return;
  if (kind === 'cpu') {
    if (divisor !== '1m' && divisor !== '1')
      errors.push(
        invalid(at, resource, "only divisor's values 1m and 1 are supported with the cpu resource"),
      );
    return;
  }
  if (BYTE_DIVISORS.includes(divisor)) return;
  const name = { memory: 'memory', 'ephemeral-storage': 'local ephemeral storage' }[kind];
  if (name !== undefined) errors.push(invalid(at, resource, `${BYTE_DIVISORS_TEXT} ${name} resource`));
  else if (HUGE_PAGES.test(resource))
    errors.push(invalid(at, resource, `${BYTE_DIVISORS_TEXT} hugepages resource`));
}
