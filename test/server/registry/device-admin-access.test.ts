/** Devices that others use are for namespaces that say so. */
import { beforeEach, expect, it } from 'vitest';
import { newTestServer, type TestServer } from '../fixtures/server.ts';

const CLAIMS = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims';
const WHY =
  'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace';

let server: TestServer;
beforeEach(async () => {
  server = await newTestServer();
  const metadata = { name: 'default' };
  await server.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
});

function claim(exactly: object): object {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name: 'claim' },
    spec: { devices: { requests: [{ name: 'gpu', exactly }] } },
  };
}

it('tells of a namespace that does not say so together with what else is wrong, and before it', async () => {
  const { status, json } = await server.call(
    'POST',
    CLAIMS,
    claim({ deviceClassName: '', adminAccess: true }),
  );
  expect(status).toBe(422);
  expect(json).toMatchObject({
    message: `ResourceClaim.resource.k8s.io "claim" is invalid: [spec.devices.requests[0].adminAccess: ${WHY}, spec.devices.requests[0].exactly.deviceClassName: Required value]`,
  });
});

it('takes no allocation with it either, except where there is one', async () => {
  await server.call('POST', CLAIMS, claim({ deviceClassName: 'gpu' }));
  const result = { request: 'gpu', driver: 'd.example.com', pool: 'p', device: 'a', adminAccess: true };
  const body = { status: { allocation: { devices: { results: [result] } } } };
  const type = { 'content-type': 'application/merge-patch+json' };
  const allocate = () => server.call('PATCH', `${CLAIMS}/claim/status`, body, type);
  expect(await allocate()).toMatchObject({
    status: 422,
    json: {
      message: `ResourceClaim.resource.k8s.io "claim" is invalid: status.allocation.devices.results[0].adminAccess: ${WHY}`,
    },
  });
  const label = (value: string | null) =>
    server.call(
      'PATCH',
      '/api/v1/namespaces/default',
      { metadata: { labels: { 'resource.kubernetes.io/admin-access': value } } },
      type,
    );
  await label('true');
  expect((await allocate()).status).toBe(200);
  await label(null);
  const reservedFor = [{ resource: 'pods', name: 'p', uid: 'u' }];
  expect(
    (await server.call('PATCH', `${CLAIMS}/claim/status`, { status: { reservedFor } }, type)).status,
  ).toBe(200);
});
