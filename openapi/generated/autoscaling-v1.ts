/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type CrossVersionObjectReference = Schemas['io.k8s.api.autoscaling.v1.CrossVersionObjectReference'];
export type HorizontalPodAutoscaler = Schemas['io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler'];
export type HorizontalPodAutoscalerList = Schemas['io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerList'];
export type HorizontalPodAutoscalerSpec = Schemas['io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec'];
export type HorizontalPodAutoscalerStatus = Schemas['io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus'];
export type Scale = Schemas['io.k8s.api.autoscaling.v1.Scale'];
export type ScaleSpec = Schemas['io.k8s.api.autoscaling.v1.ScaleSpec'];
export type ScaleStatus = Schemas['io.k8s.api.autoscaling.v1.ScaleStatus'];

export const horizontalPodAutoscalers: ResourceType<HorizontalPodAutoscaler> = { group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true };
