import type { GroupBehaviours } from '../../definition.ts';
import { certificateSigningRequest } from './signing-request.ts';

/** Behaviours of the group certificates.k8s.io by plural name. */
export const certificatesBehaviours: GroupBehaviours = {
  certificatesigningrequests: certificateSigningRequest,
};
