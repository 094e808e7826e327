/** Options of writes, in the query and in the bodies of deletes: what is refused, and how. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { encodeEnvelope } from '../../../api/machinery/protobuf/envelope.ts';
import { encodeProtobuf } from '../../../api/machinery/protobuf/encode.ts';
import { configMap, newTestServer, type TestServer } from '../fixtures/server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
let server: TestServer;
beforeAll(async () => {
  server = await newTestServer();
  await server.call('POST', MAPS, configMap('one'));
});

describe('options', () => {
  it.each<[string, string, string, unknown, number, string]>([
    [
      'an unknown dry run',
      'POST',
      `${MAPS}?dryRun=Some`,
      configMap('x'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      'an unknown field validation',
      'POST',
      `${MAPS}?fieldValidation=Hard`,
      configMap('x'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Hard": supported values: "Ignore", "Warn", "Strict"',
    ],
    [
      'a field manager that is too long',
      'PUT',
      `${MAPS}/one?fieldManager=${'x'.repeat(129)}`,
      configMap('one'),
      422,
      'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      'force where nothing is applied',
      'PATCH',
      `${MAPS}/one?force=true`,
      {},
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
    [
      'a limit that is no number',
      'GET',
      `${MAPS}?limit=ten`,
      undefined,
      400,
      'strconv.ParseInt: parsing "ten": invalid syntax',
    ],
    [
      'sendInitialEvents of a list',
      'GET',
      `${MAPS}?sendInitialEvents=true`,
      undefined,
      422,
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
    ],
    [
      'a match without a version',
      'GET',
      `${MAPS}?resourceVersionMatch=Exact`,
      undefined,
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['a broken label selector', 'GET', `${MAPS}?labelSelector=%21%21`, undefined, 400, ''],
    ['an unknown field', 'GET', `${MAPS}?fieldSelector=spec.x%3Dy`, undefined, 400, ''],
    [
      'a bad timeout',
      'GET',
      `${MAPS}?timeout=soon`,
      undefined,
      400,
      'invalid timeout specified in the request URL - time: invalid duration "soon"',
    ],
    [
      'a bad propagation policy',
      'DELETE',
      `${MAPS}/one?propagationPolicy=Away`,
      undefined,
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Away": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      'two policies at once',
      'DELETE',
      `${MAPS}/one`,
      { orphanDependents: true, propagationPolicy: 'Orphan' },
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    [
      'a grace period that is no number',
      'DELETE',
      `${MAPS}/one?gracePeriodSeconds=x`,
      undefined,
      400,
      'strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ])('%s', async (_name, method, path, body, status, message) => {
    const headers: Record<string, string> =
      method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
    const answer = await server.call(method, path, body, headers);
    expect([answer.status, answer.json]).toMatchObject([
      status,
      message === '' ? { status: 'Failure' } : { message },
    ]);
  });

  it.each<[string, unknown, Record<string, string>]>([
    [
      'of meta.k8s.io',
      { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', preconditions: { uid: 'no' } },
      {},
    ],
    ['of the core group', { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'no' } }, {}],
    ['without a kind', { preconditions: { uid: 'no' } }, { 'content-type': 'application/json' }],
    ['in YAML', 'preconditions: {uid: "no"}', { 'content-type': 'application/yaml' }],
    [
      'in protobuf',
      encodeEnvelope(
        { kind: 'DeleteOptions', apiVersion: 'apps/v1' },
        encodeProtobuf(builtInSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'), {
          preconditions: { uid: 'no' },
        }),
      ),
      { 'content-type': PROTOBUF },
    ],
  ])('of a delete are read from the body %s', async (_name, body, headers) => {
    const answer = await server.call('DELETE', `${MAPS}/one`, body, headers);
    expect([answer.status, answer.json]).toMatchObject([
      409,
      { reason: 'Conflict', message: expect.stringContaining('the UID in the precondition (no)') },
    ]);
  });

  it('of a delete in a body of another kind are refused', async () => {
    expect((await server.call('DELETE', `${MAPS}/one`, configMap('one'))).status).toBe(400);
  });
});
