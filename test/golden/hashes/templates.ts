/** Pod templates whose hashes are recorded in templates.json. */

export interface TemplateCase {
  readonly name: string;
  /** As it is stored. */
  readonly template: object;
  readonly collisionCount?: number;
}

export interface HashCase extends TemplateCase {
  readonly hash: string;
}

/** In canonical form, each way there is to hold one. */
export const QUANTITIES = [
  '0',
  '1',
  '100m',
  '10n',
  '-500m',
  '1e3',
  '12e6',
  '999E',
  '1k',
  '5G',
  '3E',
  '123456789012345678',
  '1234567890123456789',
  '9223372036854775807',
  '12345678901234567890123n',
  '1Ki',
  '16Mi',
  '1536Mi',
  '-3Gi',
  '7Ei',
  '8191Pi',
  '123456789Ki',
];

const web = { name: 'web', image: 'nginx:1.27' };

export const TEMPLATES: readonly TemplateCase[] = [
  { name: 'nothing', template: {} },
  {
    name: 'labels and a container',
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [web] } },
  },
  {
    name: 'the first collision',
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [web] } },
    collisionCount: 1,
  },
  { name: 'a count of none', template: { spec: { containers: [web] } }, collisionCount: 0 },
  {
    name: 'probes by name and number',
    template: {
      spec: {
        containers: [
          {
            ...web,
            livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 10 },
            readinessProbe: { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 0 },
          },
        ],
      },
    },
  },
  {
    name: 'empty structs that are there',
    template: { spec: { securityContext: {}, affinity: {}, containers: [{ ...web, resources: {} }] } },
  },
  ...QUANTITIES.map((quantity) => ({
    name: `a limit of ${quantity}`,
    template: { spec: { containers: [{ ...web, resources: { limits: { cpu: quantity } } }] } },
  })),
];
