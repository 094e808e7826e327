import { expect, it } from 'vitest';
import { newTestServer } from '../fixtures/server.ts';

const GROUP = '/apis/networking.k8s.io/v1';

it('gives ingresses without a class the newest default one', async () => {
  const server = await newTestServer();
  const addClass = async (name: string, isDefault: boolean): Promise<void> => {
    await server.call('POST', `${GROUP}/ingressclasses`, {
      metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': `${isDefault}` } },
      spec: { controller: 'example.com/c' },
    });
    await server.clock.advance(1000);
  };
  let count = 0;
  const classOf = async (spec: object, annotations: object = {}): Promise<unknown> => {
    const made = await server.call('POST', `${GROUP}/namespaces/default/ingresses`, {
      metadata: { name: `i${count++}`, annotations },
      spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...spec },
    });
    return (made.json['spec'] as { ingressClassName?: string }).ingressClassName;
  };
  const before = await classOf({});
  await addClass('old', true);
  await addClass('new', true);
  await addClass('other', false);
  expect([
    before,
    await classOf({}),
    await classOf({ ingressClassName: 'mine' }),
    await classOf({}, { 'kubernetes.io/ingress.class': 'mine' }),
  ]).toEqual([undefined, 'new', 'mine', undefined]);
});
