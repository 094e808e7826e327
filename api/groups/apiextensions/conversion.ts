/** How custom resources are converted. Mirrors apis/apiextensions/validation validateCustomResourceConversion. */
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1035Label } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { CustomResourceDefinitionSpec } from '../../../openapi/generated/apiextensions-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import { validateClientConfig } from '../common/webhook-client.ts';

const CONVERSION = path('spec', 'conversion');
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export function validateConversion({
  conversion,
  preserveUnknownFields,
}: CustomResourceDefinitionSpec): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy = '', webhook } = conversion;
  const place = CONVERSION.child('webhookClientConfig');
  const strategies = ['None', 'Webhook'];
  const errors: FieldError[] = [];
  if (preserveUnknownFields === true && strategy !== 'None') {
    const why = 'must be None if spec.preserveUnknownFields is true';
    errors.push(invalid(CONVERSION.child('strategy'), strategy, why));
  }
  if (strategy === '') errors.push(required(CONVERSION.child('strategy')));
  else if (!strategies.includes(strategy))
    errors.push(notSupported(CONVERSION.child('strategy'), strategy, strategies));
  const versions = webhook?.conversionReviewVersions ?? [];
  const reviews = CONVERSION.child('conversionReviewVersions');
  if (strategy === 'Webhook') {
    if (isAbsent(webhook?.clientConfig))
      errors.push(required(place, 'required when strategy is set to Webhook'));
    else errors.push(...validateClientConfig(webhook.clientConfig, place));
    return [...errors, ...validateReviewVersions(versions, reviews)];
  }
  const why = 'should not be set when strategy is not set to Webhook';
  if (!isAbsent(webhook?.clientConfig)) errors.push(forbidden(place, why));
  if (versions.length > 0) errors.push(forbidden(reviews, why));
  return errors;
}

function validateReviewVersions(versions: readonly string[], at: FieldPath): FieldError[] {
  if (versions.length === 0) return [required(at)];
  const errors = validateEach(versions, at, (version, place, index) =>
    versions.indexOf(version) < index
      ? [invalid(place, version, 'duplicate version')]
      : checkDNS1035Label(version).map((text) => invalid(place, version, text)),
  );
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version)))
    errors.push(invalid(at, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}
