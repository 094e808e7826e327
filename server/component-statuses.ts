/** The objects of `componentstatuses`: the parts of this process that a real control plane has as processes of their own. */
import type { UnknownObject } from '../api/machinery/object-meta.ts';
import type { ComputedSources } from './registry/computed.ts';

const COMPONENTS: readonly UnknownObject[] = ['controller-manager', 'etcd-0', 'scheduler'].map((name) => {
  const conditions = [{ type: 'Healthy', status: 'True', message: 'ok' }];
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name }, conditions } as UnknownObject;
});

export const componentSources: ComputedSources = {
  componentstatuses: {
    get: (_, name) => COMPONENTS.find(({ metadata }) => metadata.name === name),
    list: () => COMPONENTS,
  },
};
