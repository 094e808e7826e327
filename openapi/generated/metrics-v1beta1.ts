/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ContainerMetrics = Schemas['io.k8s.metrics.pkg.apis.metrics.v1beta1.ContainerMetrics'];
export type NodeMetrics = Schemas['io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics'];
export type NodeMetricsList = Schemas['io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetricsList'];
export type PodMetrics = Schemas['io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics'];
export type PodMetricsList = Schemas['io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetricsList'];
