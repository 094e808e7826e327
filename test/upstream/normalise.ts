/** What a namespace holds, without what differs from run to run: times, UIDs, addresses, generated names, chosen nodes. */
import type { Loose } from './api.ts';

/** An object as text lines `path: value`, under a name that is the same in every run. */
export interface Portrait {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface Picture {
  readonly objects: readonly Portrait[];
  /** A line each. */
  readonly events: readonly string[];
}

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>'],
  [/\b\d{1,3}(\.\d{1,3}){3}\b/g, '<ip>'],
  [/-----BEGIN CERTIFICATE-----[^]*-----END CERTIFICATE-----\n/g, '<certificate>'],
  [/\bcsi-[0-9a-f]{64}\b/g, 'csi-<hash>'],
  [/containerd:\/\/[0-9a-f]{64}/g, '<container>'],
  [/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<suffix>'],
  // Pods that were refused, which nobody ever saw.
  [/(?<=pods "[a-z0-9.<> -]*-)[a-z0-9]{5}(?=" is forbidden)/g, '<suffix>'],
  [/\bnode-\d+\b/g, '<node>'],
  // Minutes since 1970, as cron jobs name their jobs.
  [/\b(\w+)-[23]\d{7}\b/g, '$1-<minute>'],
  [/\bin \d+(\.\d+)?m?s \(\d+(\.\d+)?m?s including waiting\)/g, 'in <duration>'],
];

/** Fields that tell when, where or in which order, not what. */
const LEFT_OUT = new Set([
  'ca.crt',
  'token',
  'uid',
  'resourceVersion',
  'selfLink',
  'nodePort',
  'healthCheckNodePort',
]);

/** Lists whose order is chance: controllers of Kubernetes keep these items in a map. */
const SETS = new Set(['endpoints']);

/** Reasons of events about attempts: how many there are is a matter of time. */
const RETRIED = [
  'AmbiguousSelector',
  'ExternalProvisioning',
  'FailedBinding',
  'FailedCreate',
  'FailedResourceClaimCreation',
  'FailedScheduling',
  'FailedUpdate',
  'ProvisioningFailed',
  'UnexpectedJob',
  'VolumeFailedDelete',
  'VolumeMismatch',
  'WaitForFirstConsumer',
];

/** Kinds that are looked at by themselves, or tell nothing. */
const NOT_PORTRAYED = new Set(['Event', 'Lease']);

/** Of what a namespace holds; `ever` is what it ever held, oldest first. */
export function picture(objects: readonly Loose[], ever: readonly Loose[]): Picture {
  const names = stableNames(ever);
  const plain = (text: string): string => {
    let result = text;
    for (const [name, stable] of names) result = result.replaceAll(name, stable);
    for (const [pattern, replacement] of PATTERNS) result = result.replaceAll(pattern, replacement);
    // Keys of a set, in any order.
    return result.replaceAll(/(?<=HPAs: \[)[^\]]*/g, (keys) => keys.split(' ').sort().join(' '));
  };
  const portraits = objects
    .filter(({ kind }) => !NOT_PORTRAYED.has(kind as string))
    .map((object) => portray(object, plain));
  portraits.sort((a, b) => a.title.localeCompare(b.title) || compareLines(a.lines, b.lines));
  return {
    objects: portraits,
    events: tally(
      objects.filter(({ kind, source }) => kind === 'Event' && source?.component !== 'kubelet'),
      plain,
    ),
  };
}

/** Generated names, longest first, and what stands for them. */
function stableNames(objects: readonly Loose[]): [string, string][] {
  return objects
    .flatMap(({ metadata: { name, generateName } }): [string, string][] =>
      generateName === undefined || !name!.startsWith(generateName)
        ? []
        : [[name!, `${generateName}<suffix>`]],
    )
    .sort(([a], [b]) => b.length - a.length);
}

function portray(object: Loose, plain: (text: string) => string): Portrait {
  const { managedFields, ...metadata } = object.metadata;
  const lines: string[] = [];
  flatten({ ...object, metadata }, '', plain, lines);
  for (const { manager, operation, subresource = '', apiVersion, fieldsV1 = {} } of managedFields ?? []) {
    const by = `managed by ${manager} (${operation} ${apiVersion} ${subresource})`;
    lines.push(by);
    flatten(fieldsV1, by, plain, lines);
  }
  return { title: plain(`${object['kind']} ${metadata.name}`), lines: lines.sort() };
}

/** Adds a line for each leaf. Items of lists with a key stand under it, whatever their order. */
function flatten(value: unknown, path: string, plain: (text: string) => string, into: string[]): void {
  if (Array.isArray(value)) {
    (SETS.has(path) ? inOneOrder(value, plain) : value).forEach((item, index) =>
      flatten(item, `${path}[${plain(keyOf(item) ?? String(index))}]`, plain, into),
    );
    if (value.length === 0) into.push(`${path}: []`);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    into.push(`${path}: ${plain(String(value))}`);
    return;
  }
  const members = Object.entries(value);
  if (members.length === 0 && path !== '') into.push(`${path}: {}`);
  for (const [field, member] of members)
    if (!LEFT_OUT.has(field)) flatten(member, path === '' ? field : `${path}.${plain(field)}`, plain, into);
}

function inOneOrder(items: readonly unknown[], plain: (text: string) => string): unknown[] {
  const told = items.map((item) => {
    const lines: string[] = [];
    flatten(item, '', plain, lines);
    return { item, lines: lines.sort() };
  });
  return told.sort((a, b) => compareLines(a.lines, b.lines)).map(({ item }) => item);
}

/** What tells an item of a list from others: the type of a condition, the name of a container. */
function keyOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { type, name } = item as { readonly type?: unknown; readonly name?: unknown };
  const key = type ?? name;
  return typeof key === 'string' ? key : undefined;
}

/** Each event once, with how often it was. */
function tally(events: readonly Loose[], plain: (text: string) => string): string[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const line = tell(event, plain);
    const times = event['series']?.count ?? event['count'] ?? 1;
    counts.set(line, (counts.get(line) ?? 0) + times);
  }
  const isRetried = (line: string): boolean => RETRIED.some((reason) => line.includes(` ${reason} `));
  // Of many attempts those that come late stand in one event, which says no more than those before.
  const lines = [...counts]
    .filter(([line]) => !isRetried(line) || !line.includes('(combined from similar events): '))
    .map(([line, count]) => (isRetried(line) ? line : `${line} x${count}`));
  return lines.sort();
}

function tell(event: Loose, plain: (text: string) => string): string {
  const { involvedObject, type, reason, message, source, reportingComponent, action, related } = event;
  const version = involvedObject.resourceVersion === undefined ? '(of no version)' : '';
  const about = `${involvedObject.kind} ${involvedObject.name} ${version} ${involvedObject.fieldPath ?? ''}`;
  const beside = related === undefined ? '' : ` with ${related.kind} ${related.name}`;
  const by = `by ${source?.component ?? '-'} ${source?.host ?? ''} / ${reportingComponent ?? '-'} ${action ?? ''}`;
  return plain(`${type} ${reason} ${about}${beside}: ${message} ${by}`).replaceAll(/ +/g, ' ').trim();
}

function compareLines(a: readonly string[], b: readonly string[]): number {
  return a.join('\n').localeCompare(b.join('\n'));
}
