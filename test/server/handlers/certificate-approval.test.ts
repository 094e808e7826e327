/** Certificate signing requests: who asked, what is approved, and what nobody may change. */
import { beforeEach, describe, expect, it } from 'vitest';
import { newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const APPROVED = { type: 'Approved', status: 'True', reason: 'KubectlApprove', message: 'fine' };
const PEM = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n').toString('base64');

/** PEM of a request by CN=jane, O=devs with a P-256 key. */
const CSR = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWk1JR0FBZ0VBTUI0eERUQUxCZ05WQkFNTUJHcGhibVV4',
  'RFRBTEJnTlZCQW9NQkdSbGRuTXdXVEFUQmdjcQpoa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVFJaWlKWnNLbEN1YWVEZDk5',
  'L2RqQXZyaVEvS2crb2M2NkJMdGkzCklUaURIRnhjTWdNVkdYV1J0dEFBbFZTQ0hSZ1o0RWw4eW9CVll2UXV0VS9rWVZ1eG9B',
  'QXdDZ1lJS29aSXpqMEUKQXdJRFNBQXdSUUlnUmcrakY1VERBRkZzZStoNEsxYUxUb1NvM0dZQUdQOTdwc21obk1RYzZ1MENJ',
  'UUQ0TW1HUAozeU40ZkNuU0Y4UHpHeDFNQWpKa0ZaR2h6MmVqZEhnVXRndFVXdz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJF',
  'UVVFU1QtLS0tLQo=',
].join('');

// oxlint-disable-next-line no-explicit-any -- whatever the server answers; the assertions say what it must be
type Json = any;

let server: TestServer;
let created: Json;

const approve = (conditions: object[]): Promise<Answer> =>
  server.call('PUT', `${REQUESTS}/r/approval`, { ...created, status: { conditions } });
const status = (change: object): Promise<Answer> =>
  server.call('PATCH', `${REQUESTS}/r/status`, { status: change }, MERGE);
const current = async (): Promise<Json> => (await server.call('GET', `${REQUESTS}/r`)).json;

beforeEach(async () => {
  server = await newTestServer();
  const answer = await server.call('POST', REQUESTS, {
    metadata: { name: 'r' },
    spec: {
      request: CSR,
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      username: 'somebody else',
      groups: ['x'],
    },
    status: { conditions: [APPROVED] },
  });
  expect(answer.status, answer.text).toBe(201);
  created = { ...answer.json, metadata: { name: 'r' } };
});

describe('a certificate signing request', () => {
  it('says who asked, whatever the client says', () => {
    expect(created.spec).toMatchObject({
      username: 'admin',
      groups: ['system:masters', 'system:authenticated'],
    });
    expect(created.status).toEqual({});
  });

  it('cannot be changed but for its metadata', async () => {
    const answer = await server.call(
      'PATCH',
      `${REQUESTS}/r`,
      {
        metadata: { labels: { a: 'b' } },
        spec: { username: 'x', usages: ['server auth'] },
        status: { certificate: PEM },
      },
      MERGE,
    );
    expect(answer.json).toMatchObject({
      metadata: { labels: { a: 'b' } },
      spec: { username: 'admin', usages: ['client auth'] },
      status: {},
    });
  });
});

describe('approval', () => {
  it('sets conditions with their times and nothing else', async () => {
    const answer = await server.call('PUT', `${REQUESTS}/r/approval`, {
      ...created,
      spec: { ...created.spec, username: 'x' },
      status: { conditions: [APPROVED], certificate: PEM },
    });
    expect([answer.status, answer.json]).toMatchObject([200, { spec: { username: 'admin' } }]);
    expect(answer.json['status']).toEqual({
      conditions: [
        { ...APPROVED, lastUpdateTime: expect.any(String), lastTransitionTime: expect.any(String) },
      ],
    });
  });

  it.each<[string, object[], string]>([
    [
      'both yes and no',
      [APPROVED, { ...APPROVED, type: 'Denied' }],
      'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ],
    ['the same twice', [APPROVED, APPROVED], 'status.conditions[1].type: Duplicate value: "Approved"'],
    [
      'an approval that is not true',
      [{ ...APPROVED, status: 'False' }],
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
  ])('refuses %s', async (_name, conditions, message) => {
    const answer = await approve(conditions);
    expect([answer.status, answer.json['message']]).toEqual([
      422,
      expect.stringContaining(message) as string,
    ]);
  });

  it('cannot be taken back', async () => {
    await approve([APPROVED]);
    const answer = await approve([]);
    expect(answer.json['message']).toContain(
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    );
  });
});

describe('status', () => {
  it('takes a certificate, once', async () => {
    await approve([APPROVED]);
    expect((await status({ certificate: PEM })).json).toMatchObject({ status: { certificate: PEM } });
    const other = Buffer.from(Buffer.from(PEM, 'base64').toString().replace('AAAA', 'BBBB')).toString(
      'base64',
    );
    expect((await status({ certificate: other })).json['message']).toContain(
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    );
  });

  it.each([
    ['no PEM', 'hello', 'must contain at least one CERTIFICATE PEM block'],
    [
      'a key',
      '-----BEGIN X-----\nAAAA\n-----END X-----\n',
      'only CERTIFICATE PEM blocks are allowed, found "X"',
    ],
  ])('refuses %s', async (_name, text, why) => {
    const answer = await status({ certificate: Buffer.from(text).toString('base64') });
    expect(answer.json['message']).toContain(
      `status.certificate: Invalid value: "<certificate data>": ${why}`,
    );
  });

  it('does not approve', async () => {
    const answer = await status({ conditions: [APPROVED] });
    expect(answer.json['message']).toContain('updates may not add a condition of type "Approved"');
    expect((await current()).status).toEqual({});
  });

  it('keeps an approval as it was', async () => {
    await approve([APPROVED]);
    const before = (await current()).status;
    await status({ conditions: [{ ...APPROVED, message: 'changed' }] });
    expect((await current()).status).toEqual(before);
  });
});
