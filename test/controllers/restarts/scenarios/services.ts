import { expect } from 'vitest';
import { deployments } from '../../../../openapi/generated/apps-v1.ts';
import { endpoints, pods, services } from '../../../../openapi/generated/core-v1.ts';
import { endpointSlices } from '../../../../openapi/generated/discovery-v1.ts';
import { ipAddresses } from '../../../../openapi/generated/networking-v1.ts';
import type { Scenario } from '../scenario.ts';
import { edit, expectCount, template, workload } from './objects.ts';

const selecting = (app: string, more: object = {}): object => ({
  spec: { selector: { app }, ports: [{ port: 80, targetPort: 8080 }], ...more },
});

/** When the change happened that the last write was for: not said when that was in vain, as upstream. */
const TRIGGER = /last-change-trigger-time|metadata\.annotations:/;

export const SERVICES: readonly Scenario[] = [
  {
    name: 'endpoints follow the pods of a service, its selector and its end',
    of: ['endpoints-controller', 'endpointslice-controller'],
    mayDiffer: TRIGGER,
    steps: [
      (stage) => stage.make(services, 'web', selecting('web')),
      (stage) => stage.make(services, 'gone', selecting('web', { clusterIP: 'None' })),
      (stage) => stage.make(deployments, 'web', workload('web', 2)),
      (stage) => stage.make(pods, 'unready', template('web', 'nginx:not-found')),
      async (stage) => stage.remove(pods, (await stage.firstPod('web')).metadata.name!),
      (stage) => stage.remove(services, 'gone'),
      (stage) => stage.make(deployments, 'other', workload('other', 1)),
      edit(services, 'web', { selector: { app: 'other' } }),
    ],
    check: async (stage) => {
      const { subsets } = await stage.get(endpoints, 'web');
      expect(subsets!.map(({ addresses }) => addresses!.length)).toEqual([1]);
      await expectCount(stage, endpointSlices, 1);
    },
  },
  {
    name: 'endpoints that nobody keeps are mirrored',
    of: ['endpointslice-mirroring-controller'],
    steps: [
      (stage) => stage.make(services, 'own', { spec: { ports: [{ port: 80 }] } }),
      (stage) =>
        stage.make(endpoints, 'own', {
          subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }], ports: [{ port: 80 }] }],
        }),
      (stage) =>
        stage.change(
          endpoints,
          'own',
          (object) => void (object.subsets = [{ addresses: [{ ip: '192.0.2.3' }], ports: [{ port: 81 }] }]),
        ),
    ],
    check: async (stage) => {
      const slices = await stage.list(endpointSlices);
      expect(slices.map((slice) => slice.endpoints!.map(({ addresses }) => addresses))).toEqual([
        [['192.0.2.3']],
      ]);
    },
  },
  {
    name: 'services have addresses of the cluster and of a load balancer while they ask for them',
    of: ['service-lb-controller', 'service-cidr-controller'],
    mayDiffer: TRIGGER,
    steps: [
      (stage) => stage.make(services, 'a', selecting('web', { type: 'LoadBalancer' })),
      (stage) => stage.make(services, 'b', selecting('web', { type: 'LoadBalancer' })),
      (stage) => stage.make(services, 'c', selecting('web')),
      edit(services, 'a', { type: 'ClusterIP' }),
      (stage) => stage.remove(services, 'b'),
      (stage) => stage.make(services, 'd', selecting('web', { type: 'LoadBalancer' })),
    ],
    check: async (stage) => {
      const all = await stage.list(services);
      expect(
        all.map(({ metadata, status }) => [metadata.name, status.loadBalancer?.ingress?.length ?? 0]),
      ).toEqual([
        ['a', 0],
        ['c', 0],
        ['d', 1],
      ]);
      const addresses = (await stage.client.list(ipAddresses)).items;
      expect(new Set(addresses.map(({ metadata }) => metadata.name))).toEqual(
        new Set(all.map(({ spec }) => spec.clusterIP)),
      );
    },
  },
];
