import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { deployment, podTemplate, SERVER, service } from './objects.ts';
import { rolledOut } from './deployments.ts';

function endpoints(session: Session, count: number, ready = true): Promise<unknown> {
  const held = (): number =>
    session
      .list('EndpointSlice')
      .flatMap((slice) => (slice['endpoints'] ?? []) as { conditions: { ready: boolean } }[])
      .filter(({ conditions }) => conditions.ready === ready).length;
  return session.until(`${count} endpoints`, () => held() === count);
}

async function served(session: Session, spec: object, pods: object = {}): Promise<void> {
  await session.create(deployment('web', { replicas: 2, ...pods }));
  await rolledOut(session, 'web', 2);
  await session.create(service('web', spec));
}

export const SERVICES: readonly Scenario[] = [
  {
    name: 'a service has the pods that are ready',
    run: async (session) => {
      await served(session, {});
      await endpoints(session, 2);
      await session.scale('Deployment', 'web', 3);
      await endpoints(session, 3);
      await session.scale('Deployment', 'web', 1);
      await endpoints(session, 1);
    },
  },
  {
    name: 'a service comes before its pods',
    run: async (session) => {
      await session.create(service('web'));
      await session.quiet();
      await session.create(deployment('web', { replicas: 2 }));
      await endpoints(session, 2);
    },
  },
  {
    name: 'a headless service',
    run: async (session) => {
      await served(session, { clusterIP: 'None' });
      await endpoints(session, 2);
    },
  },
  {
    name: 'a service of named ports',
    run: async (session) => {
      const ports = [
        { name: 'http', containerPort: 8080 },
        { name: 'dns', containerPort: 53, protocol: 'UDP' },
      ];
      const template = podTemplate('web', { containers: [{ ...SERVER, ports }] });
      await served(
        session,
        {
          ports: [
            { name: 'web', port: 80, targetPort: 'http', appProtocol: 'http' },
            { name: 'names', port: 53, targetPort: 'dns', protocol: 'UDP' },
            { name: 'nothing', port: 1, targetPort: 'missing' },
          ],
        },
        { template },
      );
      await endpoints(session, 2);
    },
  },
  {
    name: 'a service of pods that are not ready',
    run: async (session) => {
      const readinessGates = [{ conditionType: 'example.com/ready' }];
      await session.create(
        deployment('web', { replicas: 1, template: podTemplate('web', { readinessGates }) }),
      );
      await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
      await session.create(service('web'));
      await endpoints(session, 1, false);
      await session.create(service('all', { selector: { app: 'web' }, publishNotReadyAddresses: true }));
      await endpoints(session, 1, true);
    },
  },
  {
    name: 'a service of node ports',
    run: async (session) => {
      await served(session, { type: 'NodePort', externalTrafficPolicy: 'Local' });
      await endpoints(session, 2);
    },
  },
  {
    name: 'a service of a load balancer',
    run: async (session) => {
      await served(session, { type: 'LoadBalancer' });
      await endpoints(session, 2);
      await session.has('Service', 'web', ({ status }) => status?.loadBalancer?.ingress?.length === 1);
    },
  },
  {
    name: 'a service of another name',
    run: async (session) => {
      await session.create({
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { type: 'ExternalName', externalName: 'example.com' },
      });
    },
  },
  {
    name: 'a service without a selector, and its endpoints',
    run: async (session) => {
      await session.create(service('web', { selector: null }));
      await session.create({
        kind: 'Endpoints',
        metadata: { name: 'web', labels: { team: 'a' }, annotations: { note: 'mine' } },
        subsets: [
          {
            addresses: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', hostname: 'two' }],
            notReadyAddresses: [{ ip: '192.0.2.3' }],
            ports: [{ port: 8080 }],
          },
        ],
      });
      await endpoints(session, 2);
    },
  },
  {
    name: 'a service loses its selector',
    run: async (session) => {
      await served(session, {});
      await endpoints(session, 2);
      await session.patch('Service', 'web', { spec: { selector: null } });
    },
  },
  {
    name: 'a service is deleted',
    run: async (session) => {
      await served(session, {});
      await endpoints(session, 2);
      await session.delete('Service', 'web');
      await session.count('EndpointSlice', 0);
      await session.count('Endpoints', 0);
    },
  },
  {
    name: 'a service gets labels',
    run: async (session) => {
      await served(session, {});
      await endpoints(session, 2);
      await session.patch('Service', 'web', {
        metadata: { labels: { team: 'a' }, annotations: { note: 'mine' } },
      });
      await session.count('EndpointSlice', 1, ({ metadata }) => metadata.labels?.['team'] === 'a');
      await session.count('Endpoints', 1, ({ metadata }) => metadata.labels?.['team'] === 'a');
    },
  },
  {
    name: 'a service of sticky sessions and pods with host names',
    run: async (session) => {
      const template = podTemplate('web', { hostname: 'host', subdomain: 'web' });
      await served(session, { sessionAffinity: 'ClientIP' }, { template });
      await endpoints(session, 2);
    },
  },
];
