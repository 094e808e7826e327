import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { replicaSets, type ReplicaSet } from '../../openapi/generated/apps-v1.ts';
import type { ControllerDefinition } from '../runtime/controller.ts';
import { ReplicaController, type ReplicaKind } from './replica-controller.ts';

const REPLICA_SET: ReplicaKind<ReplicaSet> = {
  type: replicaSets,
  gvk: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  component: 'replicaset-controller',
  selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
  countsTerminating: true,
};

/** Keeps pods as replica sets ask. */
export const replicaSetController: ControllerDefinition = {
  name: 'replicaset-controller',
  aliases: ['replicaset'],
  description: {
    does:
      'Keeps the number of pods a replica set asks for: adopts matching orphans, lets go of what no longer matches, creates ' +
      'in batches, deletes in the order of upstream.',
    watches: ['pods', 'replicasets'],
    writes: ['pods', 'replicasets/status'],
    events: ['FailedCreate', 'FailedDelete', 'SuccessfulCreate', 'SuccessfulDelete'],
  },
  setup: (context) => new ReplicaController(context, REPLICA_SET).reconciler,
};
