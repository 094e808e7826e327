/** Fills cluster roles that are made of others, chosen by their labels. Mirrors clusterroleaggregation. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { clusterRoles, type ClusterRole, type PolicyRule } from '../../openapi/generated/rbac-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

export const clusterRoleAggregationController: ControllerDefinition = {
  name: 'clusterrole-aggregation-controller',
  aliases: ['clusterrole-aggregation'],
  description: {
    does: 'Gives cluster roles with an aggregation rule the rules of the cluster roles it selects.',
    watches: ['clusterroles'],
    writes: ['clusterroles'],
  },
  setup,
};

const MANAGER = 'clusterrole-aggregation-controller';
const AGGREGATED_INDEX = 'aggregated';

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('clusterrole-aggregation-controller') };
  const informer = context.informer(clusterRoles);
  informer.addIndex(AGGREGATED_INDEX, ({ aggregationRule }) => (aggregationRule === undefined ? [] : ['']));
  const reconciler = createReconciler({
    name: 'clusterrole-aggregation',
    context,
    workers: 5,
    reconcile: async (name) => {
      const role = informer.get(name);
      if (role?.aggregationRule === undefined) return;
      const rules = aggregatedRules(role, informer);
      if (equalJSON(role.rules ?? [], rules)) return;
      // As upstream does it: rules of others stay where there are none to apply.
      const body = rules.length === 0 ? {} : { rules };
      await context.client
        .patch(clusterRoles, { name }, { type: 'apply', body }, { fieldManager: MANAGER })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    },
  });
  const changed = (role: ClusterRole, old?: ClusterRole): void => {
    for (const aggregated of informer.byIndex(AGGREGATED_INDEX, '')) {
      const isConcerned =
        aggregated.metadata.name === role.metadata.name ||
        selects(aggregated, role) ||
        (old !== undefined && selects(aggregated, old));
      if (isConcerned) reconciler.queue.add(aggregated.metadata.name!);
    }
  };
  informer.addHandler({ added: (role) => changed(role), updated: changed, deleted: (role) => changed(role) });
  return reconciler;
}

function selects({ aggregationRule }: ClusterRole, role: ClusterRole): boolean {
  return (aggregationRule?.clusterRoleSelectors ?? []).some((selector) =>
    selectorFromLabelSelector(selector).matches(role.metadata.labels),
  );
}

/** The rules of the selected roles, selector by selector and name by name, each once. */
function aggregatedRules(role: ClusterRole, informer: Informer<ClusterRole>): PolicyRule[] {
  const rules = new Map<string, PolicyRule>();
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = selectorFromLabelSelector(selector);
    const selected = informer
      .list()
      .filter(({ metadata }) => metadata.name !== role.metadata.name && matcher.matches(metadata.labels))
      .toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
    for (const { rules: more = [] } of selected)
      for (const rule of more ?? []) rules.set(JSON.stringify(rule), rule);
  }
  return [...rules.values()];
}
