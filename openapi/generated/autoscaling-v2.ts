/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ContainerResourceMetricSource = Schemas['io.k8s.api.autoscaling.v2.ContainerResourceMetricSource'];
export type ContainerResourceMetricStatus = Schemas['io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus'];
export type CrossVersionObjectReference = Schemas['io.k8s.api.autoscaling.v2.CrossVersionObjectReference'];
export type ExternalMetricSource = Schemas['io.k8s.api.autoscaling.v2.ExternalMetricSource'];
export type ExternalMetricStatus = Schemas['io.k8s.api.autoscaling.v2.ExternalMetricStatus'];
export type HPAScalingPolicy = Schemas['io.k8s.api.autoscaling.v2.HPAScalingPolicy'];
export type HPAScalingRules = Schemas['io.k8s.api.autoscaling.v2.HPAScalingRules'];
export type HorizontalPodAutoscaler = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler'];
export type HorizontalPodAutoscalerBehavior = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior'];
export type HorizontalPodAutoscalerCondition = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition'];
export type HorizontalPodAutoscalerList = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerList'];
export type HorizontalPodAutoscalerSpec = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec'];
export type HorizontalPodAutoscalerStatus = Schemas['io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus'];
export type MetricIdentifier = Schemas['io.k8s.api.autoscaling.v2.MetricIdentifier'];
export type MetricSpec = Schemas['io.k8s.api.autoscaling.v2.MetricSpec'];
export type MetricStatus = Schemas['io.k8s.api.autoscaling.v2.MetricStatus'];
export type MetricTarget = Schemas['io.k8s.api.autoscaling.v2.MetricTarget'];
export type MetricValueStatus = Schemas['io.k8s.api.autoscaling.v2.MetricValueStatus'];
export type ObjectMetricSource = Schemas['io.k8s.api.autoscaling.v2.ObjectMetricSource'];
export type ObjectMetricStatus = Schemas['io.k8s.api.autoscaling.v2.ObjectMetricStatus'];
export type PodsMetricSource = Schemas['io.k8s.api.autoscaling.v2.PodsMetricSource'];
export type PodsMetricStatus = Schemas['io.k8s.api.autoscaling.v2.PodsMetricStatus'];
export type ResourceMetricSource = Schemas['io.k8s.api.autoscaling.v2.ResourceMetricSource'];
export type ResourceMetricStatus = Schemas['io.k8s.api.autoscaling.v2.ResourceMetricStatus'];

export const horizontalPodAutoscalers: ResourceType<HorizontalPodAutoscaler> = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true };
