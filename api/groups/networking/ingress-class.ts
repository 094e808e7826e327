/** Ingress classes. Mirrors pkg/apis/networking/validation and registry/networking/ingressclass strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import {
  forbidden,
  invalidEach,
  notSupported,
  required,
  tooLong,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import type {
  IngressClass,
  IngressClassParametersReference,
  IngressClassSpec,
} from '../../../openapi/generated/networking-v1.ts';
import { isAbsent, validateDomainPrefixedPath, validateReferenceName } from '../common/text.ts';

const CONTROLLER_LENGTH_MAX = 250;
const SCOPES = new Set(['Cluster', 'Namespace']);
const CONTROLLER = path('spec', 'controller');
const PARAMETERS = path('spec', 'parameters');

export const ingressClass = defineBehaviour<IngressClass>({
  setDefaults: ({ spec }) => {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  validate: ({ spec = {} }) => validateSpec(spec),
  validateUpdate: ({ spec = {} }, { spec: old = {} }) => [
    ...validateImmutable(CONTROLLER, spec.controller ?? '', old.controller ?? ''),
    ...validateSpec(spec),
  ],
});

function validateSpec({ controller = '', parameters }: IngressClassSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(controller) > CONTROLLER_LENGTH_MAX)
    errors.push(tooLong(CONTROLLER, controller, CONTROLLER_LENGTH_MAX));
  errors.push(...validateDomainPrefixedPath(CONTROLLER, controller));
  return parameters === undefined ? errors : [...errors, ...validateParameters(parameters)];
}

function validateParameters(parameters: IngressClassParametersReference): FieldError[] {
  const { apiGroup, scope, namespace } = parameters;
  const at = PARAMETERS.child('namespace');
  const errors = isAbsent(apiGroup)
    ? []
    : invalidEach(PARAMETERS.child('apiGroup'), apiGroup, checkDNS1123Subdomain(apiGroup));
  errors.push(...validateReferenceName(parameters, PARAMETERS));
  if (scope === undefined) return [...errors, required(PARAMETERS.child('scope'))];
  if (!SCOPES.has(scope)) errors.push(notSupported(PARAMETERS.child('scope'), scope, SCOPES));
  else if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(required(at, "`parameters.scope` is set to 'Namespace'"));
    else errors.push(...invalidEach(at, namespace, checkDNS1123Label(namespace)));
  } else if (namespace !== undefined) errors.push(forbidden(at, "`parameters.scope` is set to 'Cluster'"));
  return errors;
}
