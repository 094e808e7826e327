/** Bad bodies, and what clients are told about them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { deployment, newTestServer, type TestServer } from '../fixtures/server.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const YAML = 'application/yaml';
const UNRECOGNIZED = 'the object provided is unrecognized (must be of type Deployment): ';
const PARSE = `${UNRECOGNIZED}couldn't get version/kind; json parse error: `;
const CANNOT = 'Deployment in version "v1" cannot be handled as a Deployment: ';

let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
});

const post = (body: string | Uint8Array, type?: string, query = '') =>
  server.call('POST', DEPLOYMENTS + query, body, type === undefined ? {} : { 'content-type': type });

describe('a body that cannot be decoded', () => {
  it.each<[string, string | Uint8Array, string | undefined, string]>([
    ['nothing', '', undefined, `${PARSE}unexpected end of JSON input (<empty>)`],
    [
      'cut off',
      '{"kind":"Deployment"',
      undefined,
      `${PARSE}unexpected end of JSON input ({"kind":"Deployment")`,
    ],
    [
      'no JSON',
      'hello, this is not json at all!',
      undefined,
      `${PARSE}invalid character 'h' looking for beginning of value (68656c6c6f2c2074686973206973206e6f74206a736f6e20617420616c6c ...)`,
    ],
    [
      'more than one value',
      '{} {}',
      undefined,
      `${PARSE}invalid character '{' after top-level value ({} {})`,
    ],
    [
      'a list',
      '[1]',
      undefined,
      `${PARSE}json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b315d)`,
    ],
    [
      'a kind that is no text',
      '{"kind":1}',
      undefined,
      `${PARSE}json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1})`,
    ],
    [
      'a broken apiVersion',
      '{"apiVersion":"a/b/c","kind":"X"}',
      undefined,
      `${UNRECOGNIZED}unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c","kind":" ...)`,
    ],
    [
      'an unknown kind',
      '{"apiVersion":"apps/v1","kind":"Chair"}',
      undefined,
      'Chair in version "v1" cannot be handled as a Deployment: no kind "Chair" is registered for version "apps/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      'a group that is gone',
      '{"apiVersion":"extensions/v1beta1","kind":"Deployment"}',
      undefined,
      'Deployment in version "v1beta1" cannot be handled as a Deployment: no kind "Deployment" is registered for version "extensions/v1beta1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      'another kind',
      '{"apiVersion":"v1","kind":"Pod"}',
      undefined,
      'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
    ],
    [
      'a list of the kind',
      '{"apiVersion":"apps/v1","kind":"DeploymentList"}',
      undefined,
      'DeploymentList in version "v1" cannot be handled as a Deployment: converting (v1.DeploymentList) to (apps.Deployment): unknown conversion',
    ],
    [
      'a wrong type inside',
      JSON.stringify({ ...deployment('x'), spec: { replicas: 'three' } }),
      undefined,
      `${CANNOT}json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`,
    ],
    ['broken YAML', 'a: [1', YAML, UNRECOGNIZED],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      YAML,
      `${UNRECOGNIZED}yaml: expected a single document in the stream (613a20310a2d2d2d0a623a20320a)`,
    ],
    [
      'no protobuf',
      '{"kind":"Deployment"}',
      PROTOBUF,
      `${UNRECOGNIZED}provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({"kind":"Deployment"})`,
    ],
    [
      'another kind in protobuf',
      encodeEnvelope({ apiVersion: 'v1', kind: 'Pod' }, new Uint8Array()),
      PROTOBUF,
      'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
    ],
    [
      'cut off protobuf',
      encodeEnvelope({ apiVersion: 'apps/v1', kind: 'Deployment' }, Buffer.from([0x0a, 0x7f, 0x01])),
      PROTOBUF,
      CANNOT,
    ],
  ])('%s', async (_name, body, type, message) => {
    const answer = await post(body, type);
    expect([answer.status, answer.json]).toMatchObject([400, { reason: 'BadRequest', code: 400 }]);
    const told = answer.json['message'] as unknown as string;
    if (message === UNRECOGNIZED || message === CANNOT) expect(told.startsWith(message)).toBe(true);
    else expect(told).toBe(message);
  });

  it('of another version is refused', async () => {
    const body = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'x' } };
    const answer = await server.call(
      'POST',
      '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
      body,
    );
    expect([answer.status, answer.json]).toMatchObject([
      400,
      {
        message:
          'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)',
      },
    ]);
  });

  it('of an unknown media type is refused', async () => {
    const answer = await post('x', 'application/xml');
    expect([answer.status, answer.json]).toMatchObject([
      415,
      {
        reason: 'UnsupportedMediaType',
        message: `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${PROTOBUF}`,
      },
    ]);
  });

  it.each([
    ['as declared', { 'content-length': String(4 * 1024 * 1024) }],
    ['as found', {}],
  ])('that is too long, %s, is refused', async (_name, headers) => {
    const big = `{"x":"${'y'.repeat(3 * 1024 * 1024)}"}`;
    const answer = await server.call('POST', DEPLOYMENTS, big, {
      'content-type': 'application/json',
      ...headers,
    });
    expect([answer.status, answer.json]).toMatchObject([
      413,
      { reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' },
    ]);
  });
});

describe('a body that leaves out', () => {
  it('kind and apiVersion is taken for what the endpoint takes', async () => {
    const { kind: _, apiVersion: __, ...rest } = deployment('untyped');
    const answer = await server.call('POST', `${DEPLOYMENTS}?dryRun=All`, rest);
    expect([answer.status, answer.json]).toMatchObject([201, { kind: 'Deployment', apiVersion: 'apps/v1' }]);
  });

  it('everything is validated like any other', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const answer = await server.call('POST', path, 'null', { 'content-type': 'application/json' });
    expect([answer.status, answer.json]).toMatchObject([422, { reason: 'Invalid' }]);
  });

  it('metadata of its namespace gets that of the path', async () => {
    const answer = await server.call('POST', `${DEPLOYMENTS}?dryRun=All`, deployment('placed'));
    expect(answer.json).toMatchObject({ metadata: { namespace: 'default' } });
  });
});

describe('field validation', () => {
  const body = `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"odd","bogus":1},
    "spec":{"unknown1":"x","unknownTwice":"a","unknownTwice":"b","replicas":1,"replicas":2,
    "selector":{"matchLabels":{"app":"odd"}},"template":{"metadata":{"labels":{"app":"odd"}},
    "spec":{"containers":[{"name":"c","image":"i","imagePullPolicy":"Always","unknownNested":"x","imagePullPolicy":"Never"}]}}}}`;
  const findings = [
    'unknown field "metadata.bogus"',
    'unknown field "spec.unknown1"',
    'unknown field "spec.unknownTwice"',
    'duplicate field "spec.replicas"',
    'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
    'unknown field "spec.template.spec.containers[0].unknownNested"',
  ];

  it('refuses when strict', async () => {
    const answer = await post(body, undefined, '?fieldValidation=Strict');
    expect([answer.status, answer.json['message']]).toEqual([
      400,
      `${CANNOT}strict decoding error: ${findings.join(', ')}`,
    ]);
  });

  it.each(['?fieldValidation=Warn&dryRun=All', '?dryRun=All'])(
    'warns with %s, and takes the last of duplicates',
    async (query) => {
      const answer = await post(body, undefined, query);
      expect(answer.status).toBe(201);
      const quoted = findings.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`);
      expect(answer.headers.get('warning')).toBe(quoted.join(', '));
      expect(answer.json).toMatchObject({ spec: { replicas: 2 } });
    },
  );

  it('says nothing when told to ignore', async () => {
    const answer = await post(body, undefined, '?fieldValidation=Ignore&dryRun=All');
    expect([answer.status, answer.headers.get('warning')]).toEqual([201, null]);
  });

  it('finds duplicates in YAML', async () => {
    const yaml = 'metadata: {name: twice}\ndata:\n  a: "1"\n  a: "2"\n';
    const path = '/api/v1/namespaces/default/configmaps?fieldValidation=Strict';
    const answer = await server.call('POST', path, yaml, { 'content-type': YAML });
    expect([answer.status, answer.json]).toMatchObject([
      400,
      {
        message:
          'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 4: key "a" already set in map',
      },
    ]);
  });
});
