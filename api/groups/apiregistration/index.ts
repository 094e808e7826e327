/** API services. Mirrors kube-aggregator apis/apiregistration/validation and registry/apiservice strategy.go. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import { formatTime } from '../../machinery/clock.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import {
  checkDNS1035Label,
  checkDNS1123Subdomain,
  checkPathSegmentName,
  checkPortNumber,
} from '../../machinery/names.ts';
import { invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import type { APIService, APIServiceSpec } from '../../../openapi/generated/apiregistration-v1.ts';
import { keepMetadata } from '../common/status.ts';
import { isAbsent, validateEach } from '../common/text.ts';

const SPEC = path('spec');
const SERVICE_PORT = 443;
const GROUP_PRIORITY_MAX = 20000;
const VERSION_PRIORITY_MAX = 1000;
const STATUSES = ['True', 'False', 'Unknown'];

const apiService = defineBehaviour<APIService>({
  allowBareFinalizers: true,
  // The name is checked with the spec, which it must agree with.
  nameRule: () => [],
  setDefaults: ({ spec }) => {
    if (spec?.service !== undefined) spec.service.port ??= SERVICE_PORT;
  },
  prepareForCreate: (object, { nowMs }) => {
    if (!isAbsent(object.spec?.service)) return;
    object.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: formatTime(nowMs),
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    };
  },
  prepareForStatusUpdate: keepMetadata,
  validate: validateAPIService,
  validateUpdate: validateAPIService,
  validateStatusUpdate: ({ status }) =>
    validateEach(status?.conditions, path('status', 'conditions'), ({ status: value = '' }, at) =>
      STATUSES.includes(value) ? [] : [notSupported(at.child('status'), value, STATUSES)],
    ),
});

function validateAPIService({ metadata, spec }: APIService): FieldError[] {
  const given = spec ?? ({} as APIServiceSpec);
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = given;
  const errors = validateName(metadata.name ?? '', `${version}.${group}`);
  if (group === '' && version !== 'v1') {
    const why = 'only v1 may have an empty group and it better be legacy kube';
    errors.push(required(SPEC.child('group'), why));
  }
  if (group !== '') errors.push(...invalidEach(SPEC.child('group'), group, checkDNS1123Subdomain(group)));
  errors.push(...invalidEach(SPEC.child('version'), version, checkDNS1035Label(version)));
  const priority = (name: string, value: number, max: number): void => {
    if (value <= 0 || value > max)
      errors.push(invalid(SPEC.child(name), value, `must be positive and less than ${max}`));
  };
  priority('groupPriorityMinimum', groupPriorityMinimum, GROUP_PRIORITY_MAX);
  priority('versionPriority', versionPriority, VERSION_PRIORITY_MAX);
  return [...errors, ...(isAbsent(given.service) ? validateLocal(given) : validateService(given))];
}

function validateName(name: string, wanted: string): FieldError[] {
  if (name === '') return [];
  const texts = checkPathSegmentName(name);
  if (texts.length > 0) return invalidEach('metadata.name', name, texts);
  if (name === wanted) return [];
  return [invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${goQuote(wanted)}`)];
}

function validateLocal({ caBundle = '', insecureSkipTLSVerify }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (caBundle !== '') {
    const bytes = Buffer.from(caBundle, 'base64').length;
    errors.push(
      invalid(SPEC.child('caBundle'), `${bytes} bytes`, 'local APIServices may not have a caBundle'),
    );
  }
  if (insecureSkipTLSVerify === true) {
    const why = 'local APIServices may not have insecureSkipTLSVerify';
    errors.push(invalid(SPEC.child('insecureSkipTLSVerify'), true, why));
  }
  return errors;
}

function validateService({ service, caBundle = '', insecureSkipTLSVerify }: APIServiceSpec): FieldError[] {
  const at = SPEC.child('service');
  const errors = (['namespace', 'name'] as const).flatMap((name) =>
    (service?.[name] ?? '') === '' ? [required(at.child(name))] : [],
  );
  const port = service?.port ?? 0;
  const texts = checkPortNumber(port);
  if (texts.length > 0)
    errors.push(invalid(at.child('port'), port, `port is not valid: ${texts.join(', ')}`));
  if (insecureSkipTLSVerify === true && caBundle !== '') {
    const why = 'may not be true if caBundle is present';
    errors.push(invalid(SPEC.child('insecureSkipTLSVerify'), true, why));
  }
  return errors;
}

/** Behaviours of the group apiregistration.k8s.io by plural name. */
export const apiRegistrationBehaviours: GroupBehaviours = { apiservices: apiService };
