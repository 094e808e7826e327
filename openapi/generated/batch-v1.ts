/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type CronJob = Schemas['io.k8s.api.batch.v1.CronJob'];
export type CronJobList = Schemas['io.k8s.api.batch.v1.CronJobList'];
export type CronJobSpec = Schemas['io.k8s.api.batch.v1.CronJobSpec'];
export type CronJobStatus = Schemas['io.k8s.api.batch.v1.CronJobStatus'];
export type Job = Schemas['io.k8s.api.batch.v1.Job'];
export type JobCondition = Schemas['io.k8s.api.batch.v1.JobCondition'];
export type JobList = Schemas['io.k8s.api.batch.v1.JobList'];
export type JobSpec = Schemas['io.k8s.api.batch.v1.JobSpec'];
export type JobStatus = Schemas['io.k8s.api.batch.v1.JobStatus'];
export type JobTemplateSpec = Schemas['io.k8s.api.batch.v1.JobTemplateSpec'];
export type PodFailurePolicy = Schemas['io.k8s.api.batch.v1.PodFailurePolicy'];
export type PodFailurePolicyOnExitCodesRequirement = Schemas['io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement'];
export type PodFailurePolicyOnPodConditionsPattern = Schemas['io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern'];
export type PodFailurePolicyRule = Schemas['io.k8s.api.batch.v1.PodFailurePolicyRule'];
export type SuccessPolicy = Schemas['io.k8s.api.batch.v1.SuccessPolicy'];
export type SuccessPolicyRule = Schemas['io.k8s.api.batch.v1.SuccessPolicyRule'];
export type UncountedTerminatedPods = Schemas['io.k8s.api.batch.v1.UncountedTerminatedPods'];

export const cronJobs: ResourceType<CronJob> = { group: 'batch', version: 'v1', resource: 'cronjobs', kind: 'CronJob', namespaced: true };
export const jobs: ResourceType<Job> = { group: 'batch', version: 'v1', resource: 'jobs', kind: 'Job', namespaced: true };
