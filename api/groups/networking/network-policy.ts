/** Network policies. Mirrors pkg/apis/networking/validation and registry/networking/networkpolicy strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkPortName, checkPortNumber } from '../../machinery/names.ts';
import { forbidden, invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../../openapi/generated/networking-v1.ts';
import { addCIDR, cidrWarnings, parseCIDR, type CIDR } from '../common/ip.ts';
import { validateEach } from '../common/text.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const POLICY_TYPES = ['Ingress', 'Egress'];
const SPEC = path('spec');

/** What a stored policy may keep although a new one may not have it. */
interface Leniency {
  readonly allowInvalidValues: boolean;
  readonly cidrs: readonly string[];
}

export const networkPolicy = defineBehaviour<NetworkPolicy>({
  setDefaults: ({ spec }) => {
    if (spec === undefined) return;
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of ports ?? []) port.protocol ??= 'TCP';
    if ((spec.policyTypes ?? []).length > 0) return;
    spec.policyTypes = (spec.egress ?? []).length > 0 ? [...POLICY_TYPES] : ['Ingress'];
  },
  validate: ({ spec }) => validateSpec(spec, { allowInvalidValues: false, cidrs: [] }),
  validateUpdate: ({ spec }, { spec: old }) =>
    validateSpec(spec, {
      allowInvalidValues: validateLabelSelector(old?.podSelector, SPEC).length > 0,
      cidrs: blocksOf(old).flatMap(({ block }) => [block.cidr, ...(block.except ?? [])]),
    }),
  warnings: ({ spec }) =>
    blocksOf(spec).flatMap(({ block, at }) => [
      ...cidrWarnings(at.child('cidr'), block.cidr),
      ...(block.except ?? []).flatMap((cidr, index) => cidrWarnings(at.child('except').index(index), cidr)),
    ]),
});

/** Every peer of a policy with its place, ingress first. */
function peersOf(spec: NetworkPolicySpec | undefined): { peer: NetworkPolicyPeer; at: FieldPath }[] {
  const place = (list: 'ingress' | 'egress', index: number, peers: 'from' | 'to', peer: number): FieldPath =>
    SPEC.child(list).index(index).child(peers).index(peer);
  return [
    ...(spec?.ingress ?? []).flatMap(({ from = [] }, i) =>
      from.map((peer, j) => ({ peer, at: place('ingress', i, 'from', j) })),
    ),
    ...(spec?.egress ?? []).flatMap(({ to = [] }, i) =>
      to.map((peer, j) => ({ peer, at: place('egress', i, 'to', j) })),
    ),
  ];
}

function blocksOf(spec: NetworkPolicySpec | undefined): { block: IPBlock; at: FieldPath }[] {
  return peersOf(spec).flatMap(({ peer, at }) =>
    peer.ipBlock === undefined ? [] : [{ block: peer.ipBlock, at: at.child('ipBlock') }],
  );
}

function validateSpec(spec: NetworkPolicySpec | undefined, leniency: Leniency): FieldError[] {
  const errors = validateLabelSelector(spec?.podSelector, SPEC.child('podSelector'), leniency);
  const check = (peer: NetworkPolicyPeer, at: FieldPath): FieldError[] => validatePeer(peer, at, leniency);
  errors.push(
    ...validateEach(spec?.ingress, SPEC.child('ingress'), (rule, at) => [
      ...validateEach(rule.ports, at.child('ports'), validatePort),
      ...validateEach(rule.from, at.child('from'), check),
    ]),
    ...validateEach(spec?.egress, SPEC.child('egress'), (rule, at) => [
      ...validateEach(rule.ports, at.child('ports'), validatePort),
      ...validateEach(rule.to, at.child('to'), check),
    ]),
  );
  const types = spec?.policyTypes ?? [];
  const at = SPEC.child('policyTypes');
  if (types.length > POLICY_TYPES.length)
    return [...errors, invalid(at, types, 'may not specify more than two policyTypes')];
  return [
    ...errors,
    ...validateEach(types, at, (type, place) =>
      POLICY_TYPES.includes(type) ? [] : [notSupported(place, type, POLICY_TYPES)],
    ),
  ];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol !== undefined && !PROTOCOLS.includes(protocol))
    errors.push(notSupported(at.child('protocol'), protocol, PROTOCOLS));
  const end = at.child('endPort');
  if (typeof port === 'number') {
    errors.push(...invalidEach(at.child('port'), port, checkPortNumber(port)));
    if (endPort === undefined) return errors;
    // Upstream shows the port, not the end port.
    if (endPort < port) errors.push(invalid(end, port, 'must be greater than or equal to `port`'));
    return [...errors, ...invalidEach(end, endPort, checkPortNumber(endPort))];
  }
  if (endPort !== undefined)
    errors.push(
      invalid(
        end,
        endPort,
        `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`,
      ),
    );
  if (port !== undefined) errors.push(...invalidEach(at.child('port'), port, checkPortName(port)));
  return errors;
}

function validatePeer(peer: NetworkPolicyPeer, at: FieldPath, leniency: Leniency): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const errors = [
    ...validateLabelSelector(podSelector, at.child('podSelector'), leniency),
    ...validateLabelSelector(namespaceSelector, at.child('namespaceSelector'), leniency),
    ...(ipBlock === undefined ? [] : validateBlock(ipBlock, at.child('ipBlock'), leniency)),
  ];
  const hasSelector = podSelector !== undefined || namespaceSelector !== undefined;
  if (!hasSelector && ipBlock === undefined) errors.push(required(at, 'must specify a peer'));
  else if (hasSelector && ipBlock !== undefined)
    errors.push(forbidden(at, 'may not specify both ipBlock and another peer'));
  return errors;
}

function validateBlock(block: IPBlock, at: FieldPath, { cidrs }: Leniency): FieldError[] {
  if ((block.cidr ?? '') === '') return [required(at.child('cidr'))];
  const errors: FieldError[] = [];
  addCIDR(errors, at.child('cidr'), block.cidr, cidrs);
  const outer = parseCIDR(block.cidr);
  if (outer === undefined) return errors;
  for (const [index, text] of (block.except ?? []).entries()) {
    const place = at.child('except').index(index);
    addCIDR(errors, place, text, cidrs);
    const inner = parseCIDR(text);
    if (inner !== undefined && !isStrictSubset(outer, inner))
      errors.push(invalid(place, text, 'must be a strict subset of `cidr`'));
  }
  return errors;
}

function isStrictSubset(outer: CIDR, inner: CIDR): boolean {
  const bytesOf = ({ ip }: CIDR): readonly number[] => (ip.isMapped ? ip.bytes.slice(12) : ip.bytes);
  const within = bytesOf(inner);
  const around = bytesOf(outer);
  if (around.length !== within.length || inner.prefixLength <= outer.prefixLength) return false;
  return around.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, outer.prefixLength - index * 8));
    return byte >> (8 - bits) === within[index]! >> (8 - bits);
  });
}
