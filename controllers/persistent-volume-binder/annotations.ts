/** How the binder, the scheduler and provisioners tell each other about claims and volumes. */

/** On a volume: a claim was bound to it by the controller, not by whoever made it. */
export const BOUND_BY_CONTROLLER_ANNOTATION = 'pv.kubernetes.io/bound-by-controller';
/** On a volume: who made it. */
export const PROVISIONED_BY_ANNOTATION = 'pv.kubernetes.io/provisioned-by';
/** On a claim: who is asked to make its volume. */
export const STORAGE_PROVISIONER_ANNOTATION = 'volume.kubernetes.io/storage-provisioner';
/** On a claim: the node its first pod was given. */
export const SELECTED_NODE_ANNOTATION = 'volume.kubernetes.io/selected-node';
/** Provisioner of storage classes whose volumes are made by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
/** A claim that is bound for good: both sides know. */
export const BIND_COMPLETED_ANNOTATION = 'pv.kubernetes.io/bind-completed';
