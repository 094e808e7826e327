import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { replicationControllers, type ReplicationController } from '../../openapi/generated/core-v1.ts';
import { ReplicaController, type ReplicaKind } from '../replicaset/replica-controller.ts';
import type { ControllerDefinition } from '../runtime/controller.ts';

const REPLICATION_CONTROLLER: ReplicaKind<ReplicationController> = {
  type: replicationControllers,
  gvk: { apiVersion: 'v1', kind: 'ReplicationController' },
  component: 'replication-controller',
  selectorOf: ({ spec }) => selectorFromLabelSelector({ matchLabels: spec.selector ?? {} }),
  countsTerminating: false,
};

/** Keeps pods as replication controllers ask. */
export const replicationControllerController: ControllerDefinition = {
  name: 'replicationcontroller-controller',
  aliases: ['replicationcontroller'],
  description: {
    does: 'Keeps the number of pods a replication controller asks for, by the code of the replica sets.',
    watches: ['pods', 'replicationcontrollers'],
    writes: ['pods', 'replicationcontrollers/status'],
    events: ['FailedCreate', 'FailedDelete', 'SuccessfulCreate', 'SuccessfulDelete'],
  },
  setup: (context) => new ReplicaController(context, REPLICATION_CONTROLLER).reconciler,
};
