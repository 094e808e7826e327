/** The storage that simulated nodes have: a CSI driver that keeps nothing. */

/** Name of the driver, and of the provisioner in storage classes. */
export const DRIVER = 'csi.kubemu.io';
/** The storage class that claims get which name none. */
export const DEFAULT_CLASS = 'standard';
export const IS_DEFAULT_ANNOTATION = 'storageclass.kubernetes.io/is-default-class';
