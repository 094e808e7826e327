import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { newExpired, newInternalError } from '../../../api/machinery/errors.ts';
import { createLogger } from '../../../api/machinery/logger.ts';
import { keyOf } from '../../../api/machinery/object-meta.ts';
import { TaskTracker } from '../../../api/machinery/tasks.ts';
import { SharedInformer } from '../../../controllers/runtime/informer.ts';
import { configMaps, type ConfigMap } from '../../../openapi/generated/core-v1.ts';
import { createScriptedClient, type ScriptedClient } from './scripted-client.ts';

let clock: VirtualClock;
let tasks: TaskTracker;
let logs: string[];
let scripted: ScriptedClient<ConfigMap>;
let informer: SharedInformer<ConfigMap>;
let heard: string[];

beforeEach(() => {
  clock = new VirtualClock();
  tasks = new TaskTracker();
  logs = [];
  heard = [];
  scripted = createScriptedClient();
  const logger = createLogger({ level: 'warn', write: (line) => logs.push(line), now: () => clock.now() });
  informer = new SharedInformer(configMaps, { client: scripted.client, clock, tasks, logger });
  hear('');
});

const version = ({ metadata }: ConfigMap): string => `${keyOf({ metadata })}@${metadata.resourceVersion}`;

function hear(prefix: string): void {
  informer.addHandler({
    added: (object) => heard.push(`${prefix}+${version(object)}`),
    updated: (object, old) => heard.push(`${prefix}${version(old)}>${version(object)}`),
    deleted: (object) => heard.push(`${prefix}-${version(object)}`),
  });
}

function configMap(
  name: string,
  resourceVersion: number,
  more: Partial<ConfigMap['metadata']> = {},
): ConfigMap {
  return {
    metadata: {
      name,
      namespace: 'one',
      uid: `uid of ${name}`,
      resourceVersion: String(resourceVersion),
      ...more,
    },
  };
}

async function start(...objects: ConfigMap[]): Promise<void> {
  scripted.setList(objects, '10');
  await informer.start();
  await tasks.idle();
}

describe('a cache', () => {
  it('has what was listed when the start resolves, and watches from there', async () => {
    expect(informer.hasSynced).toBe(false);
    await start(configMap('a', 3), configMap('b', 4));
    expect(informer.hasSynced).toBe(true);
    expect(informer.list().map(version)).toEqual(['one/a@3', 'one/b@4']);
    expect(scripted.log).toEqual(['list configmaps', 'watch configmaps from 10']);
    expect(heard).toEqual(['+one/a@3', '+one/b@4']);
  });

  it('follows the watch, with the handlers called in order before the next event', async () => {
    hear('second: ');
    await start(configMap('a', 3));
    scripted.send({ type: 'MODIFIED', object: configMap('a', 11) });
    scripted.send({ type: 'ADDED', object: configMap('b', 12) });
    scripted.send({ type: 'BOOKMARK', resourceVersion: '13' });
    scripted.send({ type: 'DELETED', object: configMap('a', 14) });
    expect(heard.slice(2)).toEqual([
      'one/a@3>one/a@11',
      'second: one/a@3>one/a@11',
      '+one/b@12',
      'second: +one/b@12',
      '-one/a@14',
      'second: -one/a@14',
    ]);
    expect(informer.get('one/a')).toBeUndefined();
    expect(informer.list().map(version)).toEqual(['one/b@12']);
  });

  it('knows up to where it has seen everything', async () => {
    const newest = (): number => [9, 10, 11, 12, 13, 14].filter((at) => informer.hasSeen(String(at))).at(-1)!;
    expect(informer.hasSeen('1')).toBe(false);
    await start(configMap('a', 3));
    expect(newest()).toBe(10);
    scripted.send({ type: 'MODIFIED', object: configMap('a', 11) });
    expect(newest()).toBe(11);
    scripted.send({ type: 'BOOKMARK', resourceVersion: '12' });
    expect(newest()).toBe(12);
    scripted.send({ type: 'DELETED', object: configMap('a', 13) });
    expect(newest()).toBe(13);
  });

  it('shows a handler the object as it is told of', async () => {
    const seen: (string | undefined)[] = [];
    informer.addHandler({
      added: (object) => seen.push(informer.get(keyOf(object))?.metadata.resourceVersion),
      deleted: (object) => seen.push(informer.get(keyOf(object))?.metadata.resourceVersion),
    });
    await start(configMap('a', 3));
    scripted.send({ type: 'DELETED', object: configMap('a', 11) });
    expect(seen).toEqual(['3', undefined]);
  });

  it('tells a handler that comes late of what is there', async () => {
    await start(configMap('a', 3));
    hear('late: ');
    expect(heard).toEqual(['+one/a@3', 'late: +one/a@3']);
  });

  it('does not lose an event to a handler that throws', async () => {
    informer.addHandler({
      added: () => {
        throw new Error('broken');
      },
    });
    hear('after: ');
    await start(configMap('a', 3));
    scripted.send({ type: 'ADDED', object: configMap('b', 11) });
    expect(heard.filter((line) => line.startsWith('after'))).toEqual(['after: +one/a@3', 'after: +one/b@11']);
    expect(logs).toHaveLength(2);
    expect(logs[0]).toContain('informer handler failed resource=configmaps');
  });
});

describe('an index', () => {
  it('of namespaces is there', async () => {
    await start(configMap('a', 3), configMap('b', 4, { namespace: 'two' }));
    expect(informer.list('one').map(version)).toEqual(['one/a@3']);
    expect(informer.byIndex('namespace', 'two').map(version)).toEqual(['two/b@4']);
    expect(informer.list('three')).toEqual([]);
  });

  it('follows every change of the values', async () => {
    informer.addIndex('label', ({ metadata }) => Object.keys(metadata.labels ?? {}));
    await start(configMap('a', 3, { labels: { x: '', y: '' } }), configMap('b', 4, { labels: { x: '' } }));
    const names = (label: string): (string | undefined)[] =>
      informer.byIndex('label', label).map(({ metadata }) => metadata.name);
    expect([names('x'), names('y')]).toEqual([['a', 'b'], ['a']]);
    scripted.send({ type: 'MODIFIED', object: configMap('a', 11, { labels: { y: '', z: '' } }) });
    expect([names('x'), names('y'), names('z')]).toEqual([['b'], ['a'], ['a']]);
    scripted.send({ type: 'DELETED', object: configMap('a', 12) });
    expect([names('x'), names('y'), names('z')]).toEqual([['b'], [], []]);
  });

  it('that nobody added is a mistake', () => {
    expect(() => informer.byIndex('label', 'x')).toThrow('informer of configmaps has no index label');
  });
});

describe('a watch that ends', () => {
  it.each([
    { name: 'cleanly', error: undefined },
    { name: 'because it is too old', error: newExpired('too old resource version: 10 (20)') },
  ])('$name is followed by a list at once, whose differences are events', async ({ error }) => {
    await start(configMap('a', 3), configMap('b', 4), configMap('c', 5), configMap('d', 6));
    heard = [];
    scripted.setList(
      [configMap('a', 3), configMap('b', 21), configMap('e', 22), configMap('d', 23, { uid: 'another' })],
      '30',
    );
    scripted.end(error);
    await tasks.idle();
    expect(heard).toEqual(['-one/c@5', 'one/b@4>one/b@21', '+one/e@22', '-one/d@6', '+one/d@23']);
    expect(scripted.log.slice(2)).toEqual(['list configmaps', 'watch configmaps from 30']);
    expect(logs).toEqual([]);
  });

  it('with another error is followed by a list a second later', async () => {
    await start();
    scripted.end(newInternalError(new Error('broken')));
    await tasks.idle();
    expect(scripted.log).toHaveLength(2);
    expect(logs[0]).toContain('watch failed resource=configmaps');
    await clock.advance(1000, () => tasks.idle());
    expect(scripted.log).toHaveLength(4);
  });
});

describe('a list that fails', () => {
  it('is tried again every second until it works', async () => {
    scripted.setList(newInternalError(new Error('not yet')), '0');
    const started = informer.start();
    await tasks.idle();
    await clock.advance(2500, () => tasks.idle());
    expect(informer.hasSynced).toBe(false);
    expect(scripted.log).toEqual(['list configmaps', 'list configmaps', 'list configmaps']);
    scripted.setList([configMap('a', 3)], '10');
    await clock.advance(500, () => tasks.idle());
    await started;
    expect(heard).toEqual(['+one/a@3']);
  });

  it('is not tried again after a stop, which lets the start end', async () => {
    scripted.setList(newInternalError(new Error('never')), '0');
    const started = informer.start();
    await tasks.idle();
    informer.stop();
    await started;
    await clock.advance(10_000, () => tasks.idle());
    expect(scripted.log).toEqual(['list configmaps']);
  });
});

it('ends its watch when stopped', async () => {
  await start();
  informer.stop();
  expect(scripted.log.at(-1)).toBe('stop configmaps');
});
