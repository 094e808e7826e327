import type { GroupBehaviours } from '../../definition.ts';
import { mutatingAdmissionPolicyBinding, validatingAdmissionPolicyBinding } from './bindings.ts';
import { mutatingAdmissionPolicy, validatingAdmissionPolicy } from './policies.ts';
import { webhookConfiguration } from './webhooks.ts';

/** Behaviours of the group admissionregistration.k8s.io by plural name. */
export const admissionRegistrationBehaviours: GroupBehaviours = {
  mutatingadmissionpolicies: mutatingAdmissionPolicy,
  mutatingadmissionpolicybindings: mutatingAdmissionPolicyBinding,
  mutatingwebhookconfigurations: webhookConfiguration(true),
  validatingadmissionpolicies: validatingAdmissionPolicy,
  validatingadmissionpolicybindings: validatingAdmissionPolicyBinding,
  validatingwebhookconfigurations: webhookConfiguration(false),
};
