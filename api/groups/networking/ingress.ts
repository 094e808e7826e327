/** Ingresses. Mirrors pkg/apis/networking/validation and registry/networking/ingress strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkPortName,
  checkPortNumber,
  checkWildcardDNS1123Subdomain,
} from '../../machinery/names.ts';
import { invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressLoadBalancerIngress,
  IngressRule,
  IngressSpec,
  IngressTLS,
} from '../../../openapi/generated/networking-v1.ts';
import { addIP, ipWarnings, parseIP } from '../common/ip.ts';
import { isAbsent, validateEach, validateReferenceName, validateRequiredText } from '../common/text.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const PATH_TYPES = new Set(['Exact', 'Prefix', 'ImplementationSpecific']);
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_SUFFIXES = ['/..', '/.'];
const STATUS_ADDRESSES = path('status', 'loadBalancer', 'ingress');
const NO_IP = 'must be a DNS name, not an IP address';

/** What a stored ingress may keep although a new one may not have it. */
interface Leniency {
  readonly secretNames: boolean;
  readonly wildcardHosts: boolean;
}

const STRICT: Leniency = { secretNames: false, wildcardHosts: false };

export const ingress = defineBehaviour<Ingress>({
  validate: (object) => [...validateSpec(object.spec ?? {}, STRICT), ...validateClassAnnotation(object)],
  validateUpdate: ({ spec = {} }, { spec: old = {} }) =>
    validateSpec(spec, {
      secretNames: (old.tls ?? []).some((tls) => secretNameTexts(tls).length > 0),
      wildcardHosts: (old.rules ?? []).some(
        (rule) => (rule.host ?? '').includes('*') && validateRuleValue(rule, path()).length > 0,
      ),
    }),
  validateStatusUpdate: (object, old) => validateAddresses(addressesOf(object), addressesOf(old)),
  warnings: (object, old) => {
    if (old !== undefined) return statusWarnings(object, old);
    const isDeprecated =
      object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined &&
      object.spec?.ingressClassName === undefined;
    return isDeprecated
      ? [`annotation ${goQuote(CLASS_ANNOTATION)} is deprecated, please use 'spec.ingressClassName' instead`]
      : [];
  },
});

function addressesOf({ status }: Ingress): readonly IngressLoadBalancerIngress[] {
  return status?.loadBalancer?.ingress ?? [];
}

/** Main writes keep the status as it is, so that only status writes can bring an address to warn of. */
function statusWarnings(object: Ingress, old: Ingress): string[] {
  const known = new Set(addressesOf(old).map(({ ip }) => ip));
  return addressesOf(object).flatMap(({ ip = '' }, index) =>
    ip === '' || known.has(ip) ? [] : ipWarnings(STATUS_ADDRESSES.index(index), ip),
  );
}

function validateClassAnnotation({ metadata, spec }: Ingress): FieldError[] {
  const annotation = metadata.annotations?.[CLASS_ANNOTATION];
  const name = spec?.ingressClassName;
  if (annotation === undefined || name === undefined || annotation === name) return [];
  return [
    invalid(
      path('annotations', CLASS_ANNOTATION),
      annotation,
      'must match `ingressClassName` when both are specified',
    ),
  ];
}

function validateSpec(spec: IngressSpec, leniency: Leniency): FieldError[] {
  const at = path('spec');
  const errors: FieldError[] = [];
  const { rules = [], defaultBackend, tls, ingressClassName } = spec;
  if (rules.length === 0 && defaultBackend === undefined)
    errors.push(invalid(at, spec.rules, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend !== undefined)
    errors.push(...validateBackend(defaultBackend, at.child('defaultBackend')));
  errors.push(
    ...validateEach(rules, at.child('rules'), (rule, place) => validateRule(rule, place, leniency)),
    ...validateEach(tls, at.child('tls'), (item, place) => validateTLS(item, place, leniency)),
  );
  if (ingressClassName !== undefined) {
    const texts = checkDNS1123Subdomain(ingressClassName);
    errors.push(...invalidEach(at.child('ingressClassName'), ingressClassName, texts));
  }
  return errors;
}

function hostTexts(host: string): string[] {
  return host.includes('*') ? checkWildcardDNS1123Subdomain(host) : checkDNS1123Subdomain(host);
}

function secretNameTexts({ secretName = '' }: IngressTLS): string[] {
  return secretName === '' ? [] : checkDNS1123Subdomain(secretName);
}

function validateTLS(tls: IngressTLS, at: FieldPath, leniency: Leniency): FieldError[] {
  const errors = validateEach(tls.hosts, at.child('hosts'), (host, place) =>
    invalidEach(place, host, hostTexts(host)),
  );
  if (!leniency.secretNames)
    errors.push(...invalidEach(at.child('secretName'), tls.secretName, secretNameTexts(tls)));
  return errors;
}

function validateRule(rule: IngressRule, at: FieldPath, leniency: Leniency): FieldError[] {
  const { host = '' } = rule;
  const errors: FieldError[] = [];
  if (host !== '') {
    if (parseIP(host) !== undefined) errors.push(invalid(at.child('host'), host, NO_IP));
    errors.push(...invalidEach(at.child('host'), host, hostTexts(host)));
  }
  if (!host.includes('*') || !leniency.wildcardHosts) errors.push(...validateRuleValue(rule, at));
  return errors;
}

function validateRuleValue({ http }: IngressRule, at: FieldPath): FieldError[] {
  if (http === undefined) return [];
  const place = at.child('http', 'paths');
  if ((http.paths ?? []).length === 0) return [required(place)];
  return validateEach(http.paths, place, validatePath);
}

function validatePath(item: HTTPIngressPath, at: FieldPath): FieldError[] {
  const { pathType, path: text = '' } = item;
  if (isAbsent(pathType)) return [required(at.child('pathType'), 'pathType must be specified')];
  const errors: FieldError[] = [];
  if (!PATH_TYPES.has(pathType)) errors.push(notSupported(at.child('pathType'), pathType, PATH_TYPES));
  else for (const why of pathTexts(pathType, text)) errors.push(invalid(at.child('path'), text, why));
  return [...errors, ...validateBackend(item.backend ?? {}, at.child('backend'))];
}

function pathTexts(pathType: string, text: string): string[] {
  const isImplementationSpecific = pathType === 'ImplementationSpecific';
  if (isImplementationSpecific && text === '') return [];
  const texts = text.startsWith('/') ? [] : ['must be an absolute path'];
  if (isImplementationSpecific) return texts;
  return [
    ...texts,
    ...BAD_SEQUENCES.filter((part) => text.includes(part)).map((part) => `must not contain '${part}'`),
    ...BAD_SUFFIXES.filter((part) => text.endsWith(part)).map((part) => `cannot end with '${part}'`),
  ];
}

function validateBackend({ service, resource }: IngressBackend, at: FieldPath): FieldError[] {
  if (resource !== undefined && service !== undefined)
    return [invalid(at, '', 'cannot set both resource and service backends')];
  if (resource !== undefined) {
    const place = at.child('resource');
    const { apiGroup } = resource;
    const errors = isAbsent(apiGroup)
      ? []
      : invalidEach(place.child('apiGroup'), apiGroup, checkDNS1123Subdomain(apiGroup));
    return [...errors, ...validateReferenceName(resource, place)];
  }
  if (service === undefined) return [invalid(at, '', 'resource or service backend is required')];
  const place = at.child('service');
  const errors = validateRequiredText(place.child('name'), service.name, checkDNS1123Label);
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) errors.push(invalid(at, '', 'cannot set both port name & port number'));
  else if (name !== '') errors.push(...invalidEach(place.child('port', 'name'), name, checkPortName(name)));
  else if (number !== 0)
    errors.push(...invalidEach(place.child('port', 'number'), number, checkPortNumber(number)));
  else errors.push(required(at, 'port name or number is required'));
  return errors;
}

function validateAddresses(
  addresses: readonly IngressLoadBalancerIngress[],
  old: readonly IngressLoadBalancerIngress[],
): FieldError[] {
  const stored = old.flatMap(({ ip = '' }) => (ip === '' ? [] : [ip]));
  return validateEach(addresses, STATUS_ADDRESSES, ({ ip = '', hostname = '' }, at) => {
    const errors: FieldError[] = [];
    if (ip !== '') addIP(errors, at.child('ip'), ip, stored);
    if (hostname === '') return errors;
    errors.push(...invalidEach(at.child('hostname'), hostname, checkDNS1123Subdomain(hostname)));
    if (parseIP(hostname) !== undefined) errors.push(invalid(at.child('hostname'), hostname, NO_IP));
    return errors;
  });
}
