/** Gives containers the resources that limit ranges set by default, and holds pods and claims to the limits. */
import { compareAmounts } from '../../api/groups/common/resources.ts';
import { containerTotals } from '../../api/groups/core/quota.ts';
import { newForbidden } from '../../api/machinery/errors.ts';
import { formatQuantity, milli, parseQuantity, type Quantity } from '../../api/machinery/quantity.ts';
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
} from '../../openapi/generated/core-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';

type Amounts = Readonly<Record<string, string>>;

const LIMIT_RANGES = { group: '', resource: 'limitranges' };
const ANNOTATION = 'kubernetes.io/limit-ranger';

export function limitRanger({ reader }: AdmissionContext): AdmissionPlugin {
  const rangesFor = (request: AdmissionRequest): readonly LimitRange[] =>
    isLimited(request)
      ? (reader.list(LIMIT_RANGES, request.namespace) as unknown as readonly LimitRange[])
      : [];
  return {
    name: 'LimitRanger',
    admit: (request) => {
      if (request.definition.names.plural !== 'pods') return;
      for (const range of rangesFor(request)) setDefaults(range, request.object as unknown as Pod);
    },
    validate: (request) => {
      const { definition, object, name } = request;
      const resource = definition.names.plural;
      for (const { spec } of rangesFor(request)) {
        const problems = (spec?.limits ?? []).flatMap((item) =>
          resource === 'pods'
            ? podProblems(item, object as unknown as Pod)
            : claimProblems(item, object as unknown as PersistentVolumeClaim),
        );
        const distinct = [...new Set(problems)];
        if (distinct.length > 0)
          throw newForbidden(
            { group: '', resource },
            name === '' ? 'Unknown' : name,
            distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`,
          );
      }
    },
  };
}

/** Containers of a pod change by resizing alone. */
function isLimited({ definition, operation, subresource, oldObject }: AdmissionRequest): boolean {
  if (definition.group !== '' || oldObject?.metadata.deletionTimestamp !== undefined) return false;
  const isWrite = operation === 'CREATE' || operation === 'UPDATE';
  switch (definition.names.plural) {
    case 'pods':
      return subresource === 'resize' ? operation === 'UPDATE' : subresource === '' && operation === 'CREATE';
    case 'persistentvolumeclaims':
      return subresource === '' && isWrite;
    default:
      return false;
  }
}

function setDefaults({ spec }: LimitRange, pod: Pod): void {
  const limits: Record<string, string> = {};
  const requests: Record<string, string> = {};
  for (const item of spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    Object.assign(limits, item.default);
    Object.assign(requests, item.defaultRequest);
  }
  const notes = [
    ...pod.spec.containers.flatMap((container) => fill(container, 'container', requests, limits)),
    ...(pod.spec.initContainers ?? []).flatMap((container) =>
      fill(container, 'init container', requests, limits),
    ),
  ];
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}`,
  };
}

/** Returns what was filled in, in upstream's words. */
function fill(container: Container, what: string, requests: Amounts, limits: Amounts): string[] {
  const resources = { ...container.resources };
  const notes: string[] = [];
  for (const [member, defaults, word] of [
    ['requests', requests, 'request'],
    ['limits', limits, 'limit'],
  ] as const) {
    const given = resources[member] ?? {};
    const missing = Object.keys(defaults).filter((name) => !Object.hasOwn(given, name));
    if (missing.length === 0) continue;
    resources[member] = {
      ...given,
      ...Object.fromEntries(missing.map((name) => [name, defaults[name]!])),
    };
    notes.push(`${missing.sort().join(', ')} ${word} for ${what} ${container.name}`);
  }
  container.resources = resources;
  return notes;
}

function podProblems(item: LimitRangeItem, pod: Pod): string[] {
  if (item.type === 'Pod')
    return problemsOf(item, texts(containerTotals(pod, 'requests')), texts(containerTotals(pod, 'limits')));
  if (item.type !== 'Container') return [];
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
    problemsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

function texts(amounts: ReadonlyMap<string, Quantity>): Amounts {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]));
}

function claimProblems(item: LimitRangeItem, { spec }: PersistentVolumeClaim): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = spec.resources?.requests ?? {};
  return [
    ...sorted(item.min).flatMap(([name, least]) => tooLittle(item.type, name, least, requests, {})),
    ...sorted(item.max).flatMap(([name, most]) => {
      const begin = `maximum ${name} usage per ${item.type} is ${most}`;
      const request = requests[name];
      if (request === undefined) return [`${begin}.  No request is specified`];
      return compareAmounts(request, most) > 0 ? [`${begin}, but request is ${request}`] : [];
    }),
  ];
}

function sorted(amounts: Amounts | undefined): [string, string][] {
  return Object.entries(amounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function problemsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...sorted(item.min).flatMap(([name, least]) => tooLittle(item.type, name, least, requests, limits)),
    ...sorted(item.max).flatMap(([name, most]) => tooMuch(item.type, name, most, requests, limits)),
    ...sorted(item.maxLimitRequestRatio).flatMap(([name, ratio]) =>
      tooFarApart(item.type, name, ratio, requests, limits),
    ),
  ];
}

function tooLittle(type: string, name: string, least: string, requests: Amounts, limits: Amounts): string[] {
  const begin = `minimum ${name} usage per ${type} is ${least}`;
  const request = requests[name];
  const limit = limits[name];
  if (request === undefined) return [`${begin}.  No request is specified`];
  if (compareAmounts(least, request) > 0) return [`${begin}, but request is ${request}`];
  return limit !== undefined && compareAmounts(least, limit) > 0 ? [`${begin}, but limit is ${limit}`] : [];
}

function tooMuch(type: string, name: string, most: string, requests: Amounts, limits: Amounts): string[] {
  const begin = `maximum ${name} usage per ${type} is ${most}`;
  const request = requests[name];
  const limit = limits[name];
  if (limit === undefined) return [`${begin}.  No limit is specified`];
  if (compareAmounts(limit, most) > 0) return [`${begin}, but limit is ${limit}`];
  return request !== undefined && compareAmounts(request, most) > 0
    ? [`${begin}, but request is ${request}`]
    : [];
}

/** Digits of a ratio in messages, as Go writes floats. */
const RATIO_DIGITS = 6;

function tooFarApart(type: string, name: string, most: string, requests: Amounts, limits: Amounts): string[] {
  const begin = `${name} max limit to request ratio per ${type} is ${most}`;
  const amount = (text: string | undefined): bigint => (text === undefined ? 0n : milli(parseQuantity(text)));
  const request = amount(requests[name]);
  const limit = amount(limits[name]);
  if (request === 0n) return [`${begin}, but no request is specified or request is 0`];
  if (limit === 0n) return [`${begin}, but no limit is specified or limit is 0`];
  const ratio = Number(limit) / Number(request);
  return ratio * 1000 > Number(amount(most))
    ? [`${begin}, but provided ratio is ${ratio.toFixed(RATIO_DIGITS)}`]
    : [];
}
