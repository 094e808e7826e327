/** Service accounts. Mirrors registry/core/serviceaccount strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import type { ServiceAccount } from '../../../openapi/generated/core-v1.ts';

const ENFORCE = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccount = defineBehaviour<ServiceAccount>({
  prepareForCreate: keepNamesOnly,
  prepareForUpdate: keepNamesOnly,
  warnings: ({ metadata }, old) => {
    const isNew = old?.metadata.annotations?.[ENFORCE] === undefined;
    if (!isNew || metadata.annotations?.[ENFORCE] === undefined) return [];
    return [
      `metadata.annotations[${ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
    ];
  },
});

/** References to secrets are names in the account's own namespace. */
function keepNamesOnly(object: ServiceAccount): void {
  object.secrets = object.secrets?.map(({ name }) => ({ name }));
}
