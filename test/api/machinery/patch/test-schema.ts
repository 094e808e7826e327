/** Schemas written by hand for patch tests: the part of Pod and Deployment that has every merge rule. */
import type { FieldSchema, ScalarSchema, Schema, StructSchema } from '../../../../api/machinery/schema.ts';

interface FieldRule {
  readonly schema: Schema;
  readonly patchStrategy?: FieldSchema['patchStrategy'];
  readonly patchMergeKey?: string;
}

function struct(name: string, rules: Readonly<Record<string, FieldRule>>): StructSchema {
  const fields = Object.entries(rules).map(([field, rule]): FieldSchema => ({
    name: field,
    schema: rule.schema,
    pointer: false,
    omit: 'empty',
    required: false,
    nullable: false,
    patchStrategy: rule.patchStrategy ?? [],
    patchMergeKey: rule.patchMergeKey,
  }));
  return {
    kind: 'struct',
    name,
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
    atomic: false,
    protobuf: [],
    preserveUnknown: false,
  };
}

const scalar = (type: ScalarSchema['type']): FieldRule => ({ schema: { kind: 'scalar', type } });
const string = scalar('string');
const int32 = scalar('int32');
const listOf = (items: Schema): FieldRule => ({
  schema: { kind: 'list', items, listType: 'atomic', mapKeys: [] },
});
const mergeListOf = (
  items: Schema,
  patchMergeKey?: string,
  patchStrategy: FieldSchema['patchStrategy'] = ['merge'],
): FieldRule => ({ ...listOf(items), patchStrategy, patchMergeKey });
const mapOf = (values: Schema): FieldRule => ({ schema: { kind: 'map', values, atomic: false } });
const one = (schema: Schema, patchStrategy: FieldSchema['patchStrategy'] = []): FieldRule => ({
  schema,
  patchStrategy,
});

const port = struct('ContainerPort', {
  name: string,
  hostPort: int32,
  containerPort: int32,
  protocol: string,
});
const envVar = struct('EnvVar', { name: string, value: string });
const container = struct('Container', {
  name: string,
  image: string,
  command: listOf(string.schema),
  args: listOf(string.schema),
  ports: mergeListOf(port, 'containerPort'),
  env: mergeListOf(envVar, 'name'),
});
const hostPath = struct('HostPathVolumeSource', { path: string, type: string });
const emptyDir = struct('EmptyDirVolumeSource', { medium: string });
const volume = struct('Volume', { name: string, hostPath: one(hostPath), emptyDir: one(emptyDir) });
const toleration = struct('Toleration', { key: string, operator: string, value: string });
const podSpec = struct('PodSpec', {
  volumes: mergeListOf(volume, 'name', ['merge', 'retainKeys']),
  containers: mergeListOf(container, 'name'),
  nodeSelector: mapOf(string.schema),
  nodeName: string,
  tolerations: listOf(toleration),
});
const objectMeta = struct('ObjectMeta', {
  name: string,
  labels: mapOf(string.schema),
  annotations: mapOf(string.schema),
  finalizers: mergeListOf(string.schema),
});
const template = struct('PodTemplateSpec', { metadata: one(objectMeta), spec: one(podSpec) });
const rollingUpdate = struct('RollingUpdateDeployment', { maxSurge: int32 });
const strategy = struct('DeploymentStrategy', { type: string, rollingUpdate: one(rollingUpdate) });
const deploymentSpec = struct('DeploymentSpec', {
  replicas: int32,
  template: one(template),
  strategy: one(strategy, ['retainKeys']),
});

/** Deployment, cut down. */
export const deployment = struct('Deployment', {
  kind: string,
  apiVersion: string,
  metadata: one(objectMeta),
  spec: one(deploymentSpec),
});
