/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type AdmissionRequest = Schemas['io.k8s.api.admission.v1.AdmissionRequest'];
export type AdmissionResponse = Schemas['io.k8s.api.admission.v1.AdmissionResponse'];
export type AdmissionReview = Schemas['io.k8s.api.admission.v1.AdmissionReview'];
