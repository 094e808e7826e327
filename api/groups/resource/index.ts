import type { GroupBehaviours } from '../../definition.ts';
import { resourceSlice } from './slices.ts';
import { deviceClass, resourceClaim, resourceClaimTemplate } from './claims.ts';

/** Behaviours of the group resource.k8s.io by plural name. */
export const resourceBehaviours: GroupBehaviours = {
  deviceclasses: deviceClass,
  resourceclaims: resourceClaim,
  resourceclaimtemplates: resourceClaimTemplate,
  resourceslices: resourceSlice,
};
