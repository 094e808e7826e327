/** What happens in the cluster that may make room for a pod. */
import type { Node, PersistentVolumeClaim, Pod } from '../../openapi/generated/core-v1.ts';
import type { ResourceClaim } from '../../openapi/generated/resource-v1.ts';

export type ClusterEvent =
  | { readonly kind: 'node-added'; readonly node: Node }
  | { readonly kind: 'node-updated'; readonly node: Node; readonly old: Node }
  | { readonly kind: 'pod-placed'; readonly pod: Pod }
  | { readonly kind: 'pod-relabelled'; readonly pod: Pod; readonly old: Pod }
  /** A pod left its node, or needs less of it. */
  | { readonly kind: 'pod-gone'; readonly pod: Pod }
  | { readonly kind: 'claim-changed'; readonly claim: PersistentVolumeClaim }
  /** A volume, a storage class or what a node says of its drivers. */
  | { readonly kind: 'volumes-changed' }
  /** A driver says that it can make larger volumes than before. */
  | { readonly kind: 'more-room-for-volumes' }
  | { readonly kind: 'device-claim-changed'; readonly claim: ResourceClaim; readonly old?: ResourceClaim }
  /** A slice of devices or a class of them. */
  | { readonly kind: 'devices-changed' };
