import { describe, expect, it } from 'vitest';
import { replicationController } from '../../../api/groups/core/replication-controller.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';

const labels = { app: 'web' };
const container = { name: 'main', image: 'image:1' };

function build(spec: Record<string, unknown>): UnknownObject {
  const object = {
    metadata: { name: 'web', namespace: 'default' },
    spec: { template: { metadata: { labels }, spec: { containers: [{ ...container }] } }, ...spec },
  } as UnknownObject;
  replicationController.setDefaults!(object);
  return object;
}

describe('a replication controller', () => {
  it('takes selector and labels from its template', () => {
    expect(build({})).toMatchObject({ metadata: { labels }, spec: { replicas: 1, selector: labels } });
  });

  it.each([
    { name: 'is valid', spec: {}, errors: [] },
    {
      name: 'needs a template',
      spec: { template: undefined, selector: labels },
      errors: ['spec.template: Required value'],
    },
    {
      name: 'needs a selector',
      spec: { template: { spec: { containers: [container] } } },
      errors: ['spec.selector: Required value'],
    },
    {
      name: 'selects its own pods',
      spec: { selector: { app: 'other' } },
      errors: [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      ],
    },
    {
      name: 'restarts always, without a deadline',
      spec: {
        template: {
          metadata: { labels },
          spec: { containers: [container], restartPolicy: 'Never', activeDeadlineSeconds: 5 },
        },
      },
      errors: [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported',
      ],
    },
    {
      name: 'has a size',
      spec: { replicas: -1 },
      errors: ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    },
  ])('$name', ({ spec, errors }) => {
    const found = replicationController.validate!(build(spec));
    expect(found.map(({ field, message }) => `${field}: ${message}`)).toEqual(errors);
  });
});
