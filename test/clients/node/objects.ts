/** Small valid objects of the kinds that the scenarios use. */
import type { KubernetesObject } from '@kubernetes/client-node';

const labels = (name: string): Record<string, string> => ({ app: name });
const selector = (name: string): object => ({ matchLabels: labels(name) });
const podSpec = (restartPolicy: string): object => ({
  restartPolicy,
  containers: [{ name: 'main', image: 'nginx:1.25' }],
});
const template = (name: string, policy = 'Always'): object => ({
  metadata: { labels: labels(name) },
  spec: podSpec(policy),
});

interface Kind {
  readonly apiVersion: string;
  content(name: string): object;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  ConfigMap: { apiVersion: 'v1', content: () => ({ data: { key: 'value' } }) },
  Secret: { apiVersion: 'v1', content: () => ({ stringData: { password: 'secret' } }) },
  ServiceAccount: { apiVersion: 'v1', content: () => ({}) },
  Service: {
    apiVersion: 'v1',
    content: (name) => ({ spec: { selector: labels(name), ports: [{ port: 80 }] } }),
  },
  Pod: { apiVersion: 'v1', content: () => ({ spec: podSpec('Always') }) },
  PersistentVolumeClaim: {
    apiVersion: 'v1',
    content: () => ({
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        resources: { requests: { storage: '1Gi' } },
      },
    }),
  },
  Deployment: {
    apiVersion: 'apps/v1',
    content: (name) => ({ spec: { replicas: 0, selector: selector(name), template: template(name) } }),
  },
  StatefulSet: {
    apiVersion: 'apps/v1',
    content: (name) => ({
      spec: { replicas: 0, serviceName: name, selector: selector(name), template: template(name) },
    }),
  },
  Job: {
    apiVersion: 'batch/v1',
    content: (name) => ({ spec: { suspend: true, template: template(name, 'Never') } }),
  },
  CronJob: {
    apiVersion: 'batch/v1',
    content: (name) => ({
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: template(name, 'Never') } } },
    }),
  },
  Ingress: {
    apiVersion: 'networking.k8s.io/v1',
    content: (name) => ({ spec: { defaultBackend: { service: { name, port: { number: 80 } } } } }),
  },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    content: (name) => ({ spec: { podSelector: selector(name) } }),
  },
  Role: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    content: () => ({ rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }),
  },
  PodDisruptionBudget: {
    apiVersion: 'policy/v1',
    content: (name) => ({ spec: { selector: selector(name) } }),
  },
  HorizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    content: (name) => ({
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 3 },
    }),
  },
  Lease: { apiVersion: 'coordination.k8s.io/v1', content: () => ({ spec: { holderIdentity: 'somebody' } }) },
  PriorityClass: { apiVersion: 'scheduling.k8s.io/v1', content: () => ({ value: 7 }) },
};

export type Named = KubernetesObject & { metadata: { name: string; namespace?: string } };

/** An object of that kind with the label `app`; `metadata` is laid over. */
export function newObject<T extends KubernetesObject>(kind: string, name: string, metadata: object = {}): T {
  const { apiVersion, content } = KINDS[kind]!;
  return {
    apiVersion,
    kind,
    metadata: { name, labels: labels(name), ...metadata },
    ...content(name),
  } as unknown as T;
}
