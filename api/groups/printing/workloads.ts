/** Tables of kinds that run pods. Mirrors pkg/printers/internalversion/printers.go. */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '../../../openapi/generated/apps-v1.ts';
import type { CronJob, Job } from '../../../openapi/generated/batch-v1.ts';
import type { PodTemplate, ReplicationController } from '../../../openapi/generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../openapi/generated/policy-v1.ts';
import type { TableColumn, TableContext } from '../../definition.ts';
import { parseTime } from '../../machinery/clock.ts';
import { formatGroupKind, parseGroupVersion } from '../../machinery/gvk.ts';
import { humanAge, humanDuration } from '../../machinery/human-duration.ts';
import { formatLabels, formatLabelSelector, selectorFromLabelSelector } from '../../machinery/labels.ts';
import { controllerOf } from '../../machinery/object-meta.ts';
import {
  AGE,
  ageOf,
  column,
  containerCells,
  defineTable,
  NAME,
  nameOf,
  SELECTOR,
  TEMPLATE_COLUMNS,
} from './columns.ts';

const DESIRED = column('Desired', 'Pods that there should be.', 'integer');
const CURRENT = column('Current', 'Pods that there are.', 'integer');
const READY = column('Ready', 'Pods that are ready.', 'integer');
const READY_OF_ALL = column('Ready', 'Pods that are ready, of those that there should be.');

const REPLICA_COLUMNS: readonly TableColumn[] = [
  NAME,
  DESIRED,
  CURRENT,
  READY,
  AGE,
  ...TEMPLATE_COLUMNS,
  SELECTOR,
];

export const podTemplateTable = defineTable<PodTemplate>({
  columns: [
    NAME,
    column('Containers', 'Names of the containers in the template.'),
    column('Images', 'Images of the containers in the template.'),
    column('Pod Labels', 'Labels of the template.'),
  ],
  cells: (object) => [
    nameOf(object),
    ...containerCells(object.template?.spec?.containers),
    formatLabels(object.template?.metadata?.labels),
  ],
});

function replicaCells(
  object: ReplicaSet | ReplicationController,
  context: TableContext,
  selector: string,
): (string | number)[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec.replicas ?? 0,
    status.replicas,
    status.readyReplicas ?? 0,
    ageOf(object, context),
    ...containerCells(spec.template?.spec?.containers),
    selector,
  ];
}

export const replicationControllerTable = defineTable<ReplicationController>({
  columns: REPLICA_COLUMNS,
  cells: (object, context) => replicaCells(object, context, formatLabels(object.spec.selector)),
});

export const replicaSetTable = defineTable<ReplicaSet>({
  columns: REPLICA_COLUMNS,
  cells: (object, context) => replicaCells(object, context, formatLabelSelector(object.spec.selector)),
});

function deploymentSelector({ spec }: Deployment): string {
  try {
    return selectorFromLabelSelector(spec.selector).toString();
  } catch {
    return '<invalid>';
  }
}

export const deploymentTable = defineTable<Deployment>({
  columns: [
    NAME,
    READY_OF_ALL,
    column('Up-to-date', 'Pods of the current template.'),
    column('Available', 'Pods that have been ready for long enough.'),
    AGE,
    ...TEMPLATE_COLUMNS,
    SELECTOR,
  ],
  cells: (object, context) => [
    nameOf(object),
    `${object.status.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    object.status.updatedReplicas ?? 0,
    object.status.availableReplicas ?? 0,
    ageOf(object, context),
    ...containerCells(object.spec.template.spec?.containers),
    deploymentSelector(object),
  ],
});

export const statefulSetTable = defineTable<StatefulSet>({
  columns: [NAME, READY_OF_ALL, AGE, ...TEMPLATE_COLUMNS],
  cells: (object, context) => [
    nameOf(object),
    `${object.status.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    ageOf(object, context),
    ...containerCells(object.spec.template.spec?.containers),
  ],
});

export const daemonSetTable = defineTable<DaemonSet>({
  columns: [
    NAME,
    column('Desired', 'Nodes that should run the pod.', 'integer'),
    column('Current', 'Nodes that should run the pod and do.', 'integer'),
    column('Ready', 'Nodes where the pod is ready.', 'integer'),
    column('Up-to-date', 'Nodes with a pod of the current template.', 'integer'),
    column('Available', 'Nodes where the pod has been ready for long enough.', 'integer'),
    column('Node Selector', 'Labels of the nodes to run on.'),
    AGE,
    ...TEMPLATE_COLUMNS,
    SELECTOR,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.status.desiredNumberScheduled,
    object.status.currentNumberScheduled,
    object.status.numberReady,
    object.status.updatedNumberScheduled ?? 0,
    object.status.numberAvailable ?? 0,
    formatLabels(object.spec.template.spec?.nodeSelector),
    ageOf(object, context),
    ...containerCells(object.spec.template.spec?.containers),
    formatLabelSelector(object.spec.selector),
  ],
});

function jobStatus({ metadata, status }: Job): string {
  const isTrue = (type: string): boolean =>
    status.conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(isTrue) ?? 'Running';
}

function jobCompletions({ spec, status }: Job): string {
  const succeeded = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, nowMs: number): string {
  if (status.startTime === undefined) return '';
  const endMs = status.completionTime === undefined ? nowMs : parseTime(status.completionTime);
  return humanDuration(endMs - parseTime(status.startTime));
}

export const jobTable = defineTable<Job>({
  columns: [
    NAME,
    column('Status', 'What the job is doing.'),
    column('Completions', 'Pods that succeeded, of those that must.'),
    column('Duration', 'Time the job has taken.'),
    AGE,
    ...TEMPLATE_COLUMNS,
    SELECTOR,
  ],
  cells: (object, context) => [
    nameOf(object),
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, context.nowMs),
    ageOf(object, context),
    ...containerCells(object.spec.template.spec?.containers),
    formatLabelSelector(object.spec.selector),
  ],
});

const SUSPEND_TEXTS = new Map([
  [true, 'True'],
  [false, 'False'],
]);

export const cronJobTable = defineTable<CronJob>({
  columns: [
    NAME,
    column('Schedule', 'When jobs are made, as cron writes it.'),
    column('Timezone', 'Time zone of the schedule.'),
    column('Suspend', 'Whether no further jobs are made.', 'boolean'),
    column('Active', 'Jobs that are running.', 'integer'),
    column('Last Schedule', 'Time since a job was last due.'),
    AGE,
    ...TEMPLATE_COLUMNS,
    SELECTOR,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.schedule,
    object.spec.timeZone ?? '<none>',
    // Text in a boolean column, as upstream has it.
    (object.spec.suspend === undefined ? undefined : SUSPEND_TEXTS.get(object.spec.suspend)) ?? '<unset>',
    object.status.active?.length ?? 0,
    object.status.lastScheduleTime === undefined
      ? '<none>'
      : humanAge(object.status.lastScheduleTime, context.nowMs),
    ageOf(object, context),
    ...containerCells(object.spec.jobTemplate.spec?.template.spec?.containers),
    formatLabelSelector(object.spec.jobTemplate.spec?.selector),
  ],
});

function controllerName(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return '<none>';
  const group = parseGroupVersion(owner.apiVersion)?.group ?? '';
  return `${formatGroupKind(group, owner.kind).toLowerCase()}/${owner.name}`;
}

export const controllerRevisionTable = defineTable<ControllerRevision>({
  columns: [
    NAME,
    column('Controller', 'Object the revision is of.'),
    column('Revision', 'Number of the revision.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    controllerName(object),
    object.revision ?? 0,
    ageOf(object, context),
  ],
});

export const podDisruptionBudgetTable = defineTable<PodDisruptionBudget>({
  columns: [
    NAME,
    column('Min Available', 'Pods that must stay available.'),
    column('Max Unavailable', 'Pods that may be unavailable.'),
    column('Allowed Disruptions', 'Pods that may be disrupted now.', 'integer'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    String(object.spec.minAvailable ?? 'N/A'),
    String(object.spec.maxUnavailable ?? 'N/A'),
    object.status.disruptionsAllowed ?? 0,
    ageOf(object, context),
  ],
});
