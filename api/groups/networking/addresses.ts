/** IP addresses and service ranges. Mirrors pkg/apis/networking/validation and the strategies of both kinds. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain, checkPathSegmentName } from '../../machinery/names.ts';
import { IMMUTABLE_MESSAGE, invalid, required, validateImmutable } from '../../machinery/field-errors.ts';
import type {
  IPAddress,
  ParentReference,
  ServiceCIDR,
  ServiceCIDRSpec,
} from '../../../openapi/generated/networking-v1.ts';
import { addCanonicalCIDR, addCanonicalIP, isIPv6, parseCIDR } from '../common/ip.ts';
import { keepMetadata } from '../common/status.ts';
import { validateOptionalText, validateRequiredText } from '../common/text.ts';

const NAME = path('metadata', 'name');
const PARENT = path('spec', 'parentRef');
const CIDRS = path('spec', 'cidrs');

export const ipAddress = defineBehaviour<IPAddress>({
  nameRule: (name) => {
    const errors: FieldError[] = [];
    addCanonicalIP(errors, NAME, name);
    return errors.map(({ message }) => message.slice(invalid(NAME, name, '').message.length + 2));
  },
  validate: ({ spec }) => validateParent(spec?.parentRef),
  validateUpdate: ({ spec }, { spec: old }) => [
    ...validateParent(spec?.parentRef),
    ...validateImmutable(PARENT, spec?.parentRef, old?.parentRef),
  ],
});

function validateParent(parent: ParentReference | undefined): FieldError[] {
  if (parent === undefined) return [required(PARENT)];
  return [
    ...validateOptionalText(PARENT.child('group'), parent.group, checkDNS1123Subdomain),
    ...validateRequiredText(PARENT.child('resource'), parent.resource, checkPathSegmentName),
    ...validateRequiredText(PARENT.child('name'), parent.name, checkPathSegmentName),
    ...validateOptionalText(PARENT.child('namespace'), parent.namespace, checkPathSegmentName),
  ];
}

export const serviceCIDR = defineBehaviour<ServiceCIDR>({
  prepareForStatusUpdate: keepMetadata,
  validate: ({ spec = {} }) => validateCIDRs(spec),
  validateUpdate: ({ spec = {} }, { spec: old = {} }) => {
    const after = spec.cidrs ?? [];
    const before = old.cidrs ?? [];
    const changed = before.flatMap((cidr, index) =>
      cidr === after[index] ? [] : [invalid(CIDRS.index(index), after[index], IMMUTABLE_MESSAGE)],
    );
    if (before.length === after.length) return changed;
    if (before.length === 1 && after.length === 2) return [...changed, ...validateCIDRs(spec)];
    return [invalid(CIDRS, spec.cidrs, IMMUTABLE_MESSAGE)];
  },
});

function validateCIDRs(spec: ServiceCIDRSpec): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(CIDRS, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(CIDRS, spec, 'may only hold up to 2 values')];
  const errors: FieldError[] = [];
  for (const [index, cidr] of cidrs.entries()) addCanonicalCIDR(errors, CIDRS.index(index), cidr);
  const [first, second] = cidrs.map((cidr) => parseCIDR(cidr)?.ip);
  if (first !== undefined && second !== undefined && isIPv6(first) === isIPv6(second))
    errors.push(
      invalid(
        CIDRS,
        cidrs,
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ),
    );
  return errors;
}
