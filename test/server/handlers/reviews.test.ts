import { beforeAll, describe, expect, it } from 'vitest';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

const ROOT = '/apis/authorization.k8s.io/v1';
const PODS = { verb: 'get', resource: 'pods', namespace: 'default' };

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
});

describe('an access review', () => {
  const cases: [string, string, object, string][] = [
    [
      'that asks nothing',
      'selfsubjectaccessreviews',
      { spec: {} },
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'that asks two things',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: PODS, nonResourceAttributes: { path: '/', verb: 'get' } } },
      'cannot be specified in combination with resourceAttributes',
    ],
    [
      'of nobody',
      'subjectaccessreviews',
      { spec: { resourceAttributes: PODS } },
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'with a name',
      'subjectaccessreviews',
      { metadata: { name: 'a' }, spec: { user: 'u', resourceAttributes: PODS } },
      'metadata: Invalid value: {"name":"a"}: must be empty',
    ],
    [
      'of another namespace',
      'namespaces/other/localsubjectaccessreviews',
      { spec: { user: 'u', resourceAttributes: PODS } },
      'spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
    ],
    [
      'of a path in a namespace',
      'namespaces/other/localsubjectaccessreviews',
      { spec: { user: 'u', nonResourceAttributes: { path: '/', verb: 'get' } } },
      'disallowed on this kind of request',
    ],
    [
      'with an empty selector',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: { ...PODS, labelSelector: {} } } },
      'spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required',
    ],
    [
      'with a selector twice',
      'selfsubjectaccessreviews',
      {
        spec: {
          resourceAttributes: {
            ...PODS,
            fieldSelector: { rawSelector: 'a=b', requirements: [{ key: '', operator: 'In' }] },
          },
        },
      },
      '[spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements, ' +
        'spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, ' +
        "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']",
    ],
  ];
  it.each(cases)('%s is refused', async (_title, path, body, message) => {
    const { status, json } = await server.call('POST', `${ROOT}/${path}`, body);
    expect([status, json['reason']]).toEqual([422, 'Invalid']);
    expect(json['message']).toContain('.authorization.k8s.io "" is invalid: ');
    expect(json['message']).toContain(message);
  });

  it('of the own namespace is answered', async () => {
    const body = { spec: { groups: ['system:masters'], resourceAttributes: PODS } };
    const { status, json } = await server.call(
      'POST',
      `${ROOT}/namespaces/default/localsubjectaccessreviews`,
      body,
    );
    expect([status, json['status']]).toMatchObject([201, { allowed: true }]);
  });
});
