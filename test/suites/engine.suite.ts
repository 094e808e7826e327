import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineEntry, EngineOperation } from '../../storage/interface.ts';
import { isUnavailable } from '../../storage/errors.ts';
import { prefixRange } from '../../storage/keys.ts';
import type { Medium, MediumFactory } from '../storage/fixtures/engines.ts';

const NOT_PERSISTENT = 'the engine does not keep its contents after close';

/** The Engine contract as tests. `factory` makes an empty medium for each of them. */
export function engineSuite(name: string, factory: MediumFactory): void {
  describe(`${name} keeps the engine contract`, () => {
    let medium: Medium;
    let engine: Engine;

    beforeEach(async () => {
      medium = await factory();
      engine = medium.engine();
      await engine.open();
    });

    afterEach(async () => {
      await engine.close();
      await medium.remove();
    });

    describe('get', () => {
      it('answers undefined for a key nobody wrote', async () => {
        expect(await engine.get('a')).toBeUndefined();
      });

      it('gives back any bytes', async () => {
        const values = [Buffer.alloc(0), Buffer.from([0, 255, 10, 0]), Buffer.alloc(300_000, 7)];
        await engine.write(values.map((value, index) => toPut(`k${index}`, value)));
        for (const [index, value] of values.entries()) {
          expect((await engine.get(`k${index}`))?.equals(value)).toBe(true);
        }
      });
    });

    describe('write', () => {
      it('replaces and deletes', async () => {
        await engine.write([toPut('a', '1'), toPut('b', '1')]);
        await engine.write([toPut('a', '2'), toDelete('b'), toDelete('never there')]);
        expect(await dump(engine)).toEqual(['a=2']);
      });

      it('applies the operations of a batch in order', async () => {
        await engine.write([toPut('a', '1'), toDelete('a'), toPut('b', '1'), toPut('b', '2')]);
        expect(await dump(engine)).toEqual(['b=2']);
      });

      it('takes an empty batch', async () => {
        await engine.write([]);
        expect(await dump(engine)).toEqual([]);
      });
    });

    describe('range', () => {
      it('includes its start and not its end', async () => {
        await engine.write(['a', 'b', 'c', 'd'].map((key) => toPut(key, '')));
        expect(await keys(engine, 'b', 'd')).toEqual(['b', 'c']);
        expect(await keys(engine, 'b', 'b')).toEqual([]);
        expect(await keys(engine, 'd', 'b')).toEqual([]);
        expect(await keys(engine, 'x', 'z')).toEqual([]);
      });

      it('orders keys by their UTF-8 bytes', async () => {
        const written = ['é', 'a/b', 'a', '\u{1f600}', 'a-b', '\uffee', 'Z', 'a\0', '\ue000', 'a.b'];
        await engine.write(written.map((key) => toPut(key, '')));
        const byBytes = written.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(await keys(engine, '', prefixRange('').end)).toEqual(byBytes);
      });

      it('streams many entries without losing any', async () => {
        const written = Array.from({ length: 2_500 }, (_, index) => `k${String(index).padStart(5, '0')}`);
        await engine.write(written.map((key) => toPut(key, Buffer.alloc(1_000, 1))));
        let chunks = 0;
        const seen: string[] = [];
        for await (const entries of engine.range('k', 'l')) {
          chunks++;
          seen.push(...entries.map(({ key }) => key));
        }
        expect(seen).toEqual(written);
        expect(chunks).toBeGreaterThan(1);
      });

      it('can be left early', async () => {
        await engine.write(Array.from({ length: 2_500 }, (_, index) => toPut(`k${index}`, '')));
        for await (const entries of engine.range('k', 'l')) {
          expect(entries.length).toBeGreaterThan(0);
          break;
        }
        await engine.close();
      });
    });

    describe('open and close', () => {
      it('answers unavailable before open and after close', async () => {
        await engine.close();
        await expect(engine.get('a')).rejects.toSatisfy(isUnavailable);
        await expect(engine.write([toPut('a', '')])).rejects.toSatisfy(isUnavailable);
        await expect(keys(engine, 'a', 'b')).rejects.toSatisfy(isUnavailable);
      });

      it('can be closed twice', async () => {
        await engine.close();
        await engine.close();
      });

      it('refuses to be opened twice', async () => {
        await expect(engine.open()).rejects.toSatisfy(isUnavailable);
        await engine.write([toPut('a', '1')]);
        expect(await dump(engine)).toEqual(['a=1']);
      });

      it('keeps its contents over close and open, if it says so', async (test) => {
        test.skip(!engine.supports.persistent, NOT_PERSISTENT);
        await engine.write([toPut('a', '1'), toPut('b', '1')]);
        await engine.write([toDelete('a')]);
        await engine.close();
        engine = medium.engine();
        await engine.open();
        expect(await dump(engine)).toEqual(['b=1']);
      });

      it('refuses a medium that is in use', async (test) => {
        test.skip(!engine.supports.persistent, NOT_PERSISTENT);
        const second = medium.engine();
        await expect(second.open()).rejects.toSatisfy(isUnavailable);
        await second.close();
        await engine.write([toPut('a', '1')]);
        expect(await dump(engine)).toEqual(['a=1']);
      });
    });
  });
}

function toPut(key: string, value: Buffer | string): EngineOperation {
  return { type: 'put', key, value: Buffer.from(value) };
}

function toDelete(key: string): EngineOperation {
  return { type: 'delete', key };
}

async function entriesOf(engine: Engine, start: string, end: string): Promise<EngineEntry[]> {
  const all: EngineEntry[] = [];
  for await (const entries of engine.range(start, end)) all.push(...entries);
  return all;
}

async function keys(engine: Engine, start: string, end: string): Promise<string[]> {
  return (await entriesOf(engine, start, end)).map(({ key }) => key);
}

async function dump(engine: Engine): Promise<string[]> {
  const { start, end } = prefixRange('');
  return (await entriesOf(engine, start, end)).map(({ key, value }) => `${key}=${value.toString()}`);
}
