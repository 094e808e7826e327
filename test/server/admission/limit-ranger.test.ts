import { beforeEach, describe, expect, it } from 'vitest';
import { newTestServer, type Answer, type TestServer } from '../fixtures/server.ts';

const DEFAULT = '/api/v1/namespaces/default';

describe('LimitRanger', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await newTestServer();
  });

  const limit = (limits: object[]): Promise<Answer> =>
    server.call('POST', `${DEFAULT}/limitranges`, { metadata: { name: 'l' }, spec: { limits } });
  const run = (name: string, containers: object[], more: object = {}): Promise<Answer> =>
    server.call('POST', `${DEFAULT}/pods`, { metadata: { name }, spec: { containers, ...more } });
  const web = (resources: object = {}): object => ({ name: 'web', image: 'nginx', resources });

  it('fills in what containers do not say, and notes what it did', async () => {
    await limit([
      { type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } },
    ]);
    const pod = await run('a', [web({ requests: { cpu: '200m' } })], {
      initContainers: [{ name: 'first', image: 'busybox' }],
    });
    const { metadata, spec } = pod.json as {
      metadata: { annotations: object };
      spec: { containers: { resources: object }[]; initContainers: { resources: object }[] };
    };
    expect([metadata.annotations, spec.containers[0]!.resources, spec.initContainers[0]!.resources]).toEqual([
      {
        'kubernetes.io/limit-ranger':
          'LimitRanger plugin set: memory request for container web; cpu, memory limit for container web; ' +
          'cpu, memory request for init container first; cpu, memory limit for init container first',
      },
      { requests: { cpu: '200m', memory: '1Gi' }, limits: { cpu: '500m', memory: '1Gi' } },
      { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '500m', memory: '1Gi' } },
    ]);
  });

  it('leaves pods alone in namespaces without limits', async () => {
    const pod = await run('a', [web()]);
    expect((pod.json['metadata'] as { annotations?: object }).annotations).toBeUndefined();
  });

  it('refuses containers beyond their limits, in the words of upstream', async () => {
    await limit([
      { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
    ]);
    const messages = await Promise.all(
      [
        { requests: { cpu: '50m' }, limits: { cpu: '100m' } },
        { limits: { cpu: '2' } },
        { requests: { cpu: '200m' }, limits: { cpu: '500m' } },
        { requests: { cpu: '50m' }, limits: { cpu: '2' } },
      ].map(async (resources, index) => (await run(`p${index}`, [web(resources)])).json['message']),
    );
    expect(messages).toEqual([
      'pods "p0" is forbidden: minimum cpu usage per Container is 100m, but request is 50m',
      'pods "p1" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
      'pods "p2" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000',
      'pods "p3" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 40.000000]',
    ]);
  });

  it('adds up what the containers of a pod ask for', async () => {
    await limit([{ type: 'Pod', max: { memory: '1Gi' } }]);
    const of = (memory: string): object => web({ limits: { memory } });
    const answers = [
      await run('a', [of('512Mi'), { ...of('512Mi'), name: 'b' }]),
      await run('b', [of('512Mi'), { ...of('600Mi'), name: 'b' }]),
      await run('c', [web()]),
    ];
    expect(answers.map(({ status, json }) => (status === 201 ? status : json['message']))).toEqual([
      201,
      'pods "b" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1112Mi',
      'pods "c" is forbidden: maximum memory usage per Pod is 1Gi.  No limit is specified',
    ]);
  });

  it('holds claims to sizes', async () => {
    await limit([{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } }]);
    const claim = async (storage: string): Promise<unknown> => {
      const answer = await server.call('POST', `${DEFAULT}/persistentvolumeclaims`, {
        metadata: { name: `c${storage.toLowerCase()}` },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
      });
      return answer.status === 201 ? 201 : answer.json['message'];
    };
    expect([await claim('1Gi'), await claim('500Mi'), await claim('6Gi')]).toEqual([
      201,
      'persistentvolumeclaims "c500mi" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
      'persistentvolumeclaims "c6gi" is forbidden: maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi',
    ]);
  });
});
