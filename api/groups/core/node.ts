/** Nodes. Mirrors registry/core/node and ValidateNode of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength, goQuote, compareText } from '../../machinery/go-format.ts';
import { parseJSON } from '../../machinery/json.ts';
import { checkDNS1123Label, checkDNS1123Subdomain, checkLabelValue } from '../../machinery/names.ts';
import { duplicate, forbidden, internal, invalid, required } from '../../machinery/field-errors.ts';
import type { Node, NodeConfigSource, Taint } from '../../../openapi/generated/core-v1.ts';
import {
  addConfigMapKey,
  addEach,
  addPositive,
  addQualifiedName,
  type Findings,
  sortedEntries,
} from '../common/findings.ts';
import { duplicateInternal, invalidInternal } from '../common/internal-json.ts';
import { addCIDR, cidrWarnings, isIPv6, parseCIDR } from '../common/ip.ts';
import { addResourceQuantity, roundUpAmounts } from '../common/resources.ts';
import { addTaintEffect } from './pod-affinity.ts';

const AVOID_ANNOTATION = 'scheduler.alpha.kubernetes.io/preferAvoidPods';
const TAINTS_ANNOTATION = 'scheduler.alpha.kubernetes.io/taints';
const CIDR_TEXT = 'node updates may not change podCIDR except from "" to valid';

export const node = defineBehaviour<Node>({
  setDefaults: ({ status, spec }) => {
    if (spec !== undefined) syncCIDRs(spec);
    if (status === undefined) return;
    roundUpAmounts(status.capacity);
    if (status.allocatable === undefined && status.capacity !== undefined)
      status.allocatable = { ...status.capacity };
    roundUpAmounts(status.allocatable);
  },
  keepsStatusOnCreate: true,
  prepareForCreate: ({ spec, status }) => {
    delete spec?.configSource;
    delete status?.config;
  },
  prepareForUpdate: ({ spec }, old) => {
    if (old.spec?.configSource === undefined) delete spec?.configSource;
  },
  prepareForStatusUpdate: ({ status }, old) => {
    if (old.status?.config === undefined) delete status?.config;
  },
  validate: (object) => {
    const errors: Findings = [];
    addNode(errors, object);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    addNode(errors, object);
    addNodeUpdate(errors, object, old);
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addNodeUpdate(errors, object, old);
    return errors;
  },
  warnings: ({ spec }, _old, subresource) => {
    if (subresource !== '') return [];
    return [
      ...(spec?.configSource === undefined ? [] : ['spec.configSource: the feature is removed']),
      ...((spec?.externalID ?? '') === ''
        ? []
        : ['spec.externalID: this field is deprecated, and is unused by Kubernetes']),
      ...(spec?.podCIDRs ?? []).flatMap((cidr, index) =>
        cidrWarnings(path('spec', 'podCIDRs').index(index), cidr),
      ),
    ];
  },
});

/** The old single CIDR is the first of the list. */
function syncCIDRs(spec: NonNullable<Node['spec']>): void {
  const { podCIDR = '', podCIDRs = [] } = spec;
  if (podCIDR !== '' && podCIDR !== podCIDRs[0]) spec.podCIDRs = [podCIDR];
  else if (podCIDRs.length > 0) spec.podCIDR = podCIDRs[0];
}

interface AvoidPods {
  readonly preferAvoidPods?: readonly {
    readonly podSignature?: { readonly podController?: { readonly controller?: boolean } };
  }[];
}

function addAvoidedPods(errors: Findings, at: FieldPath, { metadata }: Node): void {
  const text = metadata.annotations?.[AVOID_ANNOTATION] ?? '';
  if (text === '') return;
  let avoided: AvoidPods;
  try {
    const { value } = parseJSON(text);
    const problem = goTypeProblem(value, 'object', 'v1.AvoidPods');
    if (problem !== undefined) throw new Error(problem);
    avoided = (value ?? {}) as AvoidPods;
  } catch (error) {
    errors.push(invalid(at.child('AvoidPods'), AVOID_ANNOTATION, (error as Error).message));
    return;
  }
  if (!Array.isArray(avoided.preferAvoidPods)) return;
  (avoided.preferAvoidPods as NonNullable<AvoidPods['preferAvoidPods']>).forEach((entry, index) => {
    const place = at.child(AVOID_ANNOTATION).index(index).child('PodSignature');
    const controller = entry?.podSignature?.podController;
    if (controller === undefined || controller === null) errors.push(required(place));
    else if (controller.controller === false)
      errors.push(invalid(place.child('PodController', 'Controller'), false, 'must point to a controller'));
  });
}

/** What Go says of JSON that does not fit a type. */
function goTypeProblem(value: unknown, fits: 'array' | 'object', type: string): string | undefined {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return value === null || kind === fits
    ? undefined
    : `json: cannot unmarshal ${kind} into Go value of type ${type}`;
}

function addAnnotatedTaints(errors: Findings, at: FieldPath, { metadata }: Node): void {
  const text = metadata.annotations?.[TAINTS_ANNOTATION] ?? '';
  if (text === '') return;
  try {
    const { value } = parseJSON(text);
    const problem = goTypeProblem(value, 'array', '[]core.Taint');
    if (problem !== undefined) errors.push(invalid(at, TAINTS_ANNOTATION, problem));
    else if (Array.isArray(value)) addTaints(errors, at.child(TAINTS_ANNOTATION), value as Taint[]);
  } catch (error) {
    errors.push(invalid(at, TAINTS_ANNOTATION, (error as Error).message));
  }
}

function addTaints(errors: Findings, at: FieldPath, taints: readonly Taint[]): void {
  const seen = new Set<string>();
  taints.forEach((taint, index) => {
    const place = at.index(index);
    const { key = '', value = '', effect = '' } = taint;
    addQualifiedName(errors, place.child('key'), key);
    const texts = checkLabelValue(value);
    if (texts.length > 0) errors.push(invalid(place.child('value'), value, texts.join(';')));
    addTaintEffect(errors, place.child('effect'), effect);
    const id = JSON.stringify([effect, key]);
    if (seen.has(id)) {
      const error = duplicateInternal(place, 'Taint', taint);
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
    seen.add(id);
  });
}

function addNode(errors: Findings, object: Node): void {
  const metadata = path('metadata');
  addAnnotatedTaints(errors, metadata.child('annotations'), object);
  addAvoidedPods(errors, metadata.child('annotations'), object);
  addTaints(errors, metadata.child('taints'), object.spec?.taints ?? []);
  addAmounts(errors, object);
  const swap = object.status?.nodeInfo?.swap?.capacity;
  if (swap !== undefined) addPositive(errors, metadata.child('nodeSwapStatus', 'capacity'), swap);
  addFeatures(errors, object);
  const cidrs = object.spec?.podCIDRs ?? [];
  const at = path('spec', 'podCIDRs');
  cidrs.forEach((cidr, index) => addCIDR(errors, at.index(index), cidr));
  if (cidrs.length < 2) return;
  const parsed = cidrs.map(parseCIDR);
  const wrong = parsed.indexOf(undefined);
  if (wrong >= 0) {
    const text = `invalid CIDR[${wrong}]: <nil> (invalid CIDR address: ${cidrs[wrong]})`;
    errors.push(internal(at, `invalid PodCIDRs. failed to check with dual stack with error:${text}`));
  }
  const families = new Set(parsed.map((cidr) => cidr !== undefined && isIPv6(cidr.ip)));
  if (parsed.includes(undefined) || families.size < 2 || cidrs.length > 2)
    errors.push(invalid(at, cidrs, 'may specify no more than one CIDR for each IP family'));
}

function addAmounts(errors: Findings, { status }: Node): void {
  for (const list of ['capacity', 'allocatable'] as const)
    for (const [name, value] of sortedEntries(status?.[list]))
      addResourceQuantity(errors, path('status', list, name), name, value);
}

const FEATURE = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const FEATURE_LENGTH_MAX = 253;

function featureProblem(name: string): string | undefined {
  const what = `invalid feature name ${goQuote(name)}`;
  if (byteLength(name) > FEATURE_LENGTH_MAX)
    return `${what}: must be no more than ${FEATURE_LENGTH_MAX} characters`;
  if (FEATURE.test(name)) return undefined;
  return `${what}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`;
}

function addFeatures(errors: Findings, { status }: Node): void {
  const features = status?.declaredFeatures ?? [];
  const at = path('status', 'declaredFeatures');
  features.forEach((name, index) => {
    const problem = featureProblem(name);
    if (problem !== undefined) errors.push(invalid(at.index(index), name, problem));
    const next = features[index + 1];
    if (next === undefined) return;
    if (next === name) errors.push(duplicate(at.index(index + 1), next));
    else if (compareText(name, next) > 0)
      errors.push(invalid(at.index(index + 1), next, 'list must be sorted alphabetically'));
  });
}

function addNodeUpdate(errors: Findings, object: Node, old: Node): void {
  const metadata = path('metadata');
  addAnnotatedTaints(errors, metadata.child('annotations'), object);
  addAvoidedPods(errors, metadata.child('annotations'), object);
  addAmounts(errors, object);
  addFeatures(errors, object);
  const addresses = object.status?.addresses ?? [];
  addresses.forEach((address, index) => {
    if (addresses.slice(0, index).some((other) => equalJSON(other, address)))
      errors.push(duplicateInternal(path('status', 'addresses').index(index), 'NodeAddress', address));
  });
  addSpecChanges(errors, object.spec ?? {}, old.spec ?? {});
  if (object.spec?.configSource !== undefined)
    addConfigSource(errors, path('spec', 'configSource'), object.spec.configSource, false);
  for (const member of ['assigned', 'active', 'lastKnownGood'] as const) {
    const source = object.status?.config?.[member];
    if (source !== undefined) addConfigSource(errors, path('status', 'config', member), source, true);
  }
  addTaints(errors, metadata.child('taints'), object.spec?.taints ?? []);
  if ((object.spec?.externalID ?? '') !== (old.spec?.externalID ?? ''))
    errors.push(forbidden('spec.externalID', 'may not be updated'));
}

function addSpecChanges(
  errors: Findings,
  spec: NonNullable<Node['spec']>,
  old: NonNullable<Node['spec']>,
): void {
  const before = old.podCIDRs ?? [];
  const now = spec.podCIDRs ?? [];
  const changes =
    before.length === now.length ? before.filter((cidr, index) => cidr !== now[index]).length : 1;
  if (before.length > 0)
    for (let count = 0; count < changes; count++) errors.push(forbidden('spec.podCIDRs', CIDR_TEXT));
  const provider = old.providerID ?? '';
  if (provider !== '' && provider !== (spec.providerID ?? ''))
    errors.push(
      forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'),
    );
}

function addConfigSource(errors: Findings, at: FieldPath, source: NodeConfigSource, isStatus: boolean): void {
  const { configMap } = source;
  if (configMap === undefined) {
    const text = 'exactly one reference subfield must be non-nil';
    errors.push(invalidInternal(at, 'NodeConfigSource', source, text));
    return;
  }
  const place = at.child('configMap');
  for (const member of ['uid', 'resourceVersion'] as const) {
    const isSet = (configMap[member] ?? '') !== '';
    if (isStatus && !isSet) errors.push(required(place.child(member)));
    if (!isStatus && isSet) errors.push(forbidden(place.child(member), `${member} must not be set in spec`));
  }
  const { namespace = '', name = '', kubeletConfigKey = '' } = configMap;
  if (namespace === '') errors.push(required(place.child('namespace')));
  else addEach(errors, place.child('namespace'), namespace, checkDNS1123Label(namespace));
  if (name === '') errors.push(required(place.child('name')));
  else addEach(errors, place.child('name'), name, checkDNS1123Subdomain(name));
  if (kubeletConfigKey === '') errors.push(required(place.child('kubeletConfigKey')));
  else addConfigMapKey(errors, place.child('kubeletConfigKey'), kubeletConfigKey);
}
