import { afterEach, describe, expect, it } from 'vitest';
import { CONTROLLERS } from '../../../controllers/index.ts';
import type { ControllerContext, ControllerDefinition } from '../../../controllers/runtime/controller.ts';
import { selectControllers } from '../../../controllers/runtime/manager.ts';
import { configMaps } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const definition = (name: string, more: Partial<ControllerDefinition> = {}): ControllerDefinition => ({
  name,
  description: { does: '', watches: [], writes: [] },
  setup: () => ({}),
  ...more,
});

describe('a list of controllers', () => {
  const definitions = [
    definition('deployment-controller', { aliases: ['deployment'] }),
    definition('job-controller', { aliases: ['job'] }),
    definition('token-cleaner-controller', { disabledByDefault: true }),
  ];
  it.each([
    {
      name: 'all is what is on by default',
      list: ['*'],
      chosen: ['deployment-controller', 'job-controller'],
    },
    { name: 'all but one', list: ['*', '-job-controller'], chosen: ['deployment-controller'] },
    { name: 'all but one, by its older name', list: ['*', '-job'], chosen: ['deployment-controller'] },
    {
      name: 'all and one more',
      list: ['*', 'token-cleaner-controller'],
      chosen: ['deployment-controller', 'job-controller', 'token-cleaner-controller'],
    },
    { name: 'named ones only', list: ['job'], chosen: ['job-controller'] },
    { name: 'none', list: [], chosen: [] },
    { name: 'exceptions without all', list: ['-job'], chosen: [] },
  ])('$name', ({ list, chosen }) => {
    expect(selectControllers(definitions, list).map(({ name }) => name)).toEqual(chosen);
  });

  it.each([{ list: ['nope'] }, { list: ['*', '-nope'] }])('names what is unknown in $list', ({ list }) => {
    expect(() => selectControllers(definitions, list)).toThrow(
      '"nope" is not in the list of known controllers',
    );
  });
});

it('the controllers there are have names of their own', () => {
  const names = CONTROLLERS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
});

it('starts controllers when the caches are filled, with one informer and one recorder for all', async () => {
  const log: string[] = [];
  const contexts: ControllerContext[] = [];
  const probe = (name: string): ControllerDefinition =>
    definition(name, {
      setup: (context) => {
        contexts.push(context);
        const informer = context.informer(configMaps);
        informer.addHandler({ added: ({ metadata }) => log.push(`${name} saw ${metadata.name}`) });
        return {
          start: () => log.push(`${name} started, synced: ${informer.hasSynced}`),
          stop: () => void log.push(`${name} stopped`),
        };
      },
    });
  harness = await startHarness([probe('first'), probe('second')]);
  expect(log).toEqual(['first started, synced: true', 'second started, synced: true']);
  const [one, two] = contexts as [ControllerContext, ControllerContext];
  expect(one.informer(configMaps)).toBe(two.informer(configMaps));
  expect(one.recorder('x')).toBe(two.recorder('x'));
  expect(one.recorder('x', 'host')).not.toBe(one.recorder('x'));
  await harness.client.create(configMaps, { metadata: { name: 'web', namespace: NAMESPACE } });
  await harness.settle();
  expect(log.slice(2)).toEqual(['first saw web', 'second saw web']);
  await harness.stop();
  harness = undefined;
  expect(log.slice(4)).toEqual(['first stopped', 'second stopped']);
});

it('warns of what fails while it runs, not of what fails because it ended', async () => {
  const contexts: ControllerContext[] = [];
  const probe = definition('probe', {
    setup: (context) => {
      contexts.push(context);
      return {};
    },
  });
  harness = await startHarness([probe]);
  const { logs } = harness;
  contexts[0]!.logger.warn('while it runs');
  await harness.stop();
  harness = undefined;
  contexts[0]!.logger.with({ name: 'probe' }).warn('behind its end');
  expect(logs.map((line) => line.replace(/^\S+ /, ''))).toEqual(['WARN  while it runs']);
});
