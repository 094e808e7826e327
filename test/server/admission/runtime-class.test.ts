import { beforeEach, describe, expect, it } from 'vitest';
import { mergeTolerations } from '../../../server/admission/runtime-class.ts';
import { newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

describe('RuntimeClass', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await newTestServer();
    await server.call('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { cpu: '250m' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
  });

  const run = (spec: object): Promise<Answer> =>
    server.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'web', image: 'nginx' }], ...spec },
    });

  it('gives pods its overhead, node labels and tolerations', async () => {
    const pod = (await run({ runtimeClassName: 'vm', nodeSelector: { disk: 'ssd' } })).json as {
      spec: { overhead: object; nodeSelector: object; tolerations: object[] };
    };
    expect([pod.spec.overhead, pod.spec.nodeSelector, pod.spec.tolerations.at(-1)]).toEqual([
      { cpu: '250m' },
      { disk: 'ssd', vm: 'yes' },
      { key: 'vm', operator: 'Exists' },
    ]);
  });

  it('refuses pods that contradict it', async () => {
    const messages = await Promise.all(
      [
        { runtimeClassName: 'none' },
        { runtimeClassName: 'vm', overhead: { cpu: '1' } },
        { overhead: { cpu: '1' } },
        { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
      ].map(async (spec) => (await run(spec)).json['message']),
    );
    expect(messages).toEqual([
      'pods "a" is forbidden: pod rejected: RuntimeClass "none" not found',
      `pods "a" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`,
      'pods "a" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
      'pods "a" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    ]);
  });
});

describe('merged tolerations', () => {
  it('leave out what others cover', () => {
    const any = { operator: 'Exists' };
    const equal = { key: 'a', operator: 'Equal', value: 'b' };
    const brief = { key: 'x', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 };
    const long = { ...brief, tolerationSeconds: 20 };
    expect([
      mergeTolerations([equal, equal, any]),
      mergeTolerations([brief, long, equal]),
      mergeTolerations([equal, { ...equal, value: 'c' }]),
    ]).toEqual([[any], [long, equal], [equal, { ...equal, value: 'c' }]]);
  });
});
