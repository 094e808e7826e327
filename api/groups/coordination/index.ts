/** Leases. Mirrors pkg/apis/coordination/validation and registry/coordination/lease strategy.go. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { invalid } from '../../machinery/field-errors.ts';
import type { Lease, LeaseSpec } from '../../../openapi/generated/coordination-v1.ts';

const SPEC = path('spec');

const lease = defineBehaviour<Lease>({
  allowBareFinalizers: true,
  // Coordinated leader election is off by default, and its fields are dropped.
  prepareForCreate: ({ spec }) => dropCoordination(spec),
  prepareForUpdate: ({ spec }) => dropCoordination(spec),
  validate: ({ spec }) => validateSpec(spec),
  validateUpdate: ({ spec }) => validateSpec(spec),
});

function dropCoordination(spec: LeaseSpec | undefined): void {
  delete spec?.strategy;
  delete spec?.preferredHolder;
}

function validateSpec({ leaseDurationSeconds = 1, leaseTransitions = 0 }: LeaseSpec = {}): FieldError[] {
  const errors: FieldError[] = [];
  if (leaseDurationSeconds <= 0)
    errors.push(invalid(SPEC.child('leaseDurationSeconds'), leaseDurationSeconds, 'must be greater than 0'));
  if (leaseTransitions < 0)
    errors.push(
      invalid(SPEC.child('leaseTransitions'), leaseTransitions, 'must be greater than or equal to 0'),
    );
  return errors;
}

/** Behaviours of the group coordination.k8s.io by plural name. */
export const coordinationBehaviours: GroupBehaviours = { leases: lease };
