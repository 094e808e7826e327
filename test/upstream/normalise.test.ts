import { describe, expect, it } from 'vitest';
import { differences } from './compare.ts';
import { picture } from './normalise.ts';

function slice(...endpoints: readonly unknown[]): ReturnType<typeof picture> {
  return picture([{ kind: 'EndpointSlice', metadata: { name: 'web' }, endpoints }], []);
}

describe('what two runs are compared by', () => {
  const one = { addresses: ['192.0.2.1'], conditions: { ready: true } };
  const two = { addresses: ['192.0.2.2'], conditions: { ready: true }, hostname: 'two' };

  it('is the same for endpoints in another order, which is chance in Kubernetes', () => {
    expect(differences(slice(one, two), slice(two, one))).toEqual([]);
  });

  it('tells an endpoint that lacks its host name', () => {
    expect(differences(slice(one, two), slice(one, one))).toEqual([
      'EndpointSlice web: -endpoints[1].hostname: two',
    ]);
  });
});
