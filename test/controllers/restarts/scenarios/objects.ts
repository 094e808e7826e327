/** Pieces of objects that scenarios have in common. */
import { expect } from 'vitest';
import type { ResourceType } from '../../../../api/machinery/client.ts';
import type { KubeObject } from '../../../../api/machinery/object-meta.ts';
import type { Stage } from '../scenario.ts';

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: { readonly containers: readonly object[] } & Record<string, unknown>;
}

/** A template of pods with the label `app`, whose container runs on. */
export function template(
  app: string,
  image = 'nginx:1',
  more: Record<string, unknown> = {},
  container: object = {},
): PodTemplate {
  return {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image, ...container }],
      ...more,
    },
  };
}

/** The spec of a workload of `replicas` such pods. */
export function workload(app: string, replicas: number, more: object = {}): { spec: object } {
  return { spec: { replicas, selector: { matchLabels: { app } }, template: template(app), ...more } };
}

export function claimSpec(storage = '1Gi', more: object = {}): { spec: object } {
  return { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...more } };
}

interface Loose extends KubeObject {
  // Scenarios change members of many kinds.
  spec: Record<string, never> & { template: { spec: { containers: { image: string }[] } } };
}

/** A step that changes members of an object's spec. */
export function edit<T extends KubeObject>(
  resource: ResourceType<T>,
  name: string,
  spec: object,
): (stage: Stage) => Promise<unknown> {
  return (stage) =>
    stage.change(resource, name, (object) => void Object.assign((object as unknown as Loose).spec, spec));
}

/** A step that changes the image of a workload's first container. */
export function setImage<T extends KubeObject>(
  resource: ResourceType<T>,
  name: string,
  image: string,
): (stage: Stage) => Promise<unknown> {
  return (stage) =>
    stage.change(resource, name, (object) => {
      (object as unknown as Loose).spec.template.spec.containers[0]!.image = image;
    });
}

/** How many objects of a kind there are. */
export async function expectCount<T extends KubeObject>(
  stage: Stage,
  resource: ResourceType<T>,
  count: number,
): Promise<void> {
  expect((await stage.list(resource)).map(({ metadata }) => metadata.name)).toHaveLength(count);
}

export async function expectStatus<T extends KubeObject>(
  stage: Stage,
  resource: ResourceType<T>,
  name: string,
  status: object,
): Promise<void> {
  expect(await stage.get(resource, name)).toMatchObject({ status });
}
