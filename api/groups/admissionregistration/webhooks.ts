/** Webhook configurations. Mirrors pkg/apis/admissionregistration/validation and v1/defaults.go. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1035Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import { duplicate, invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../openapi/generated/admissionregistration-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import { validateClientConfig } from '../common/webhook-client.ts';
import {
  defaultRule,
  FAILURE_POLICIES,
  MATCH_POLICY_CHOICES,
  REINVOCATION_POLICIES,
  validateChoice,
  validateMatchConditions,
  validateRule,
} from './match.ts';
import { staticNameWarnings } from './static-names.ts';

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;
type Configuration = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;

const WEBHOOKS = path('webhooks');
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = new Set(['None', 'NoneOnDryRun', 'Some', 'Unknown']);
const NO_SIDE_EFFECTS = new Set(['None', 'NoneOnDryRun']);
const TIMEOUT_SECONDS = 10;
const TIMEOUT_SECONDS_MAX = 30;
const SERVICE_PORT = 443;

/** What a stored configuration may keep although a new one may not have it. */
interface Leniency {
  readonly sideEffects: boolean;
  readonly reviewVersions: boolean;
  readonly sameNames: boolean;
  readonly allowInvalidValues: boolean;
  readonly conditions: boolean;
}

const STRICT: Leniency = {
  sideEffects: false,
  reviewVersions: false,
  sameNames: false,
  allowInvalidValues: false,
  conditions: false,
};

function webhooksOf(object: Configuration): readonly Webhook[] {
  return object.webhooks ?? [];
}

export const webhookConfiguration = (isMutating: boolean): ReturnType<typeof defineBehaviour> =>
  defineBehaviour<Configuration>({
    allowBareFinalizers: true,
    setDefaults: (object) => {
      for (const webhook of webhooksOf(object)) setDefaults(webhook, isMutating);
    },
    validate: (object) => validateWebhooks(webhooksOf(object), STRICT),
    validateUpdate: (object, old) =>
      validateWebhooks(webhooksOf(object), leniencyFor(webhooksOf(object), webhooksOf(old))),
    warnings: staticNameWarnings,
  });

function setDefaults(webhook: Webhook, isMutating: boolean): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= TIMEOUT_SECONDS;
  if (isMutating) webhook.reinvocationPolicy ??= 'Never';
  for (const rule of webhook.rules ?? []) defaultRule(rule);
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= SERVICE_PORT;
}

function leniencyFor(webhooks: readonly Webhook[], old: readonly Webhook[]): Leniency {
  const names = old.map(({ name }) => name);
  return {
    sideEffects: old.some(({ sideEffects }) => !NO_SIDE_EFFECTS.has(sideEffects ?? '')),
    reviewVersions: old.some(
      ({ admissionReviewVersions: versions }) =>
        (versions ?? []).length > 0 && !versions.some((version) => REVIEW_VERSIONS.includes(version)),
    ),
    sameNames: new Set(names).size < names.length,
    allowInvalidValues: old.some(({ namespaceSelector, objectSelector }) =>
      [namespaceSelector, objectSelector].some(
        (selector) => validateLabelSelector(selector, path()).length > 0,
      ),
    ),
    conditions:
      webhooks.length === old.length &&
      old.every((before, index) => equalJSON(before.matchConditions, webhooks[index]!.matchConditions)),
  };
}

function validateWebhooks(webhooks: readonly Webhook[], leniency: Leniency): FieldError[] {
  const names = new Set<string>();
  return validateEach(webhooks, WEBHOOKS, (webhook, at) => {
    const { name = '' } = webhook;
    const errors = [
      ...validateWebhook(webhook, at, leniency),
      ...validateReviewVersions(
        webhook.admissionReviewVersions ?? [],
        leniency.reviewVersions,
        at.child('admissionReviewVersions'),
      ),
    ];
    if (leniency.sameNames || name === '') return errors;
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    return errors;
  });
}

function validateWebhook(webhook: Webhook, at: FieldPath, leniency: Leniency): FieldError[] {
  const { timeoutSeconds } = webhook;
  const errors = [
    ...validateQualifiedDomain(webhook.name ?? '', at.child('name')),
    ...validateEach(webhook.rules, at.child('rules'), validateRule),
    ...validateChoice(webhook.failurePolicy, FAILURE_POLICIES, at.child('failurePolicy')),
    ...validateChoice(webhook.matchPolicy, MATCH_POLICY_CHOICES, at.child('matchPolicy')),
    ...validateSideEffects(webhook.sideEffects, leniency.sideEffects, at.child('sideEffects')),
  ];
  if (timeoutSeconds !== undefined && (timeoutSeconds > TIMEOUT_SECONDS_MAX || timeoutSeconds < 1)) {
    const why = 'the timeout value must be between 1 and 30 seconds';
    errors.push(invalid(at.child('timeoutSeconds'), timeoutSeconds, why));
  }
  return [
    ...errors,
    ...validateLabelSelector(webhook.namespaceSelector, at.child('namespaceSelector'), leniency),
    ...validateLabelSelector(webhook.objectSelector, at.child('objectSelector'), leniency),
    ...validateChoice(webhook.reinvocationPolicy, REINVOCATION_POLICIES, at.child('reinvocationPolicy')),
    ...validateClientConfig(webhook.clientConfig ?? {}, at.child('clientConfig')),
    ...(leniency.conditions
      ? []
      : validateMatchConditions(webhook.matchConditions, at.child('matchConditions'))),
  ];
}

/** A domain with at least three labels. Mirrors apimachinery util/validation IsFullyQualifiedName. */
function validateQualifiedDomain(name: string, at: FieldPath): FieldError[] {
  if (name === '') return [required(at)];
  const texts = checkDNS1123Subdomain(name);
  if (texts.length > 0) return [invalid(at, name, texts.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(at, name, 'should be a domain with at least three segments separated by dots')];
}

function validateSideEffects(value: string | undefined, isLenient: boolean, at: FieldPath): FieldError[] {
  const allowed = isLenient ? SIDE_EFFECTS : NO_SIDE_EFFECTS;
  if (isAbsent(value)) return [required(at, `must specify one of ${[...allowed].join(', ')}`)];
  return allowed.has(value) ? [] : [notSupported(at, value, allowed)];
}

function validateReviewVersions(
  versions: readonly string[],
  isLenient: boolean,
  at: FieldPath,
): FieldError[] {
  const known = REVIEW_VERSIONS.join(', ');
  if (versions.length === 0) return [required(at, `must specify one of ${known}`)];
  const errors = validateEach(versions, at, (version, place, index) =>
    versions.indexOf(version) < index
      ? [invalid(place, version, 'duplicate version')]
      : invalidEach(place, version, checkDNS1035Label(version)),
  );
  if (!isLenient && !versions.some((version) => REVIEW_VERSIONS.includes(version)))
    errors.push(invalid(at, versions, `must include at least one of ${known}`));
  return errors;
}
