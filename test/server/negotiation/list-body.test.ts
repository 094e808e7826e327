import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { gzipped, streamOf, type BodySource } from '../../../server/negotiation/body-source.ts';
import { ListBody } from '../../../server/negotiation/list-body.ts';
import { gunzipSync } from 'node:zlib';

const bodyOf = (sizes: readonly number[], open = '{'): ListBody =>
  new ListBody({
    head: '[',
    open,
    items: sizes.map((size, index) => Buffer.alloc(size, String(index % 10))),
    tail: ']\n',
  });

const textOf = (sizes: readonly number[], open = '{'): string =>
  `[${sizes.map((size, index) => open + String(index % 10).repeat(size)).join(',')}]\n`;

async function read(source: BodySource): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  const reader = streamOf(source).getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
    chunks.push(Buffer.from(value!));
  return chunks;
}

describe('the body of a list', () => {
  it('is the same in pieces, at once, and by its length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 12 }), async (sizes) => {
        const expected = textOf(sizes);
        const pieces = await read(bodyOf(sizes));
        expect(Buffer.concat(pieces).toString()).toBe(expected);
        expect(bodyOf(sizes).whole().toString()).toBe(expected);
        expect(bodyOf(sizes).length).toBe(expected.length);
      }),
      { numRuns: 50 },
    );
  });

  it('comes in pieces of bounded size, the first of them at once', async () => {
    const sizes = Array.from({ length: 500 }, () => 10_000);
    const pieces = await read(bodyOf(sizes));
    expect(pieces.length).toBeGreaterThan(15);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000);
  });

  it('can be compressed on its way', async () => {
    const sizes = Array.from({ length: 200 }, () => 5000);
    const compressed = Buffer.concat(await read(gzipped(bodyOf(sizes))));
    expect(compressed.length).toBeLessThan(100_000);
    expect(gunzipSync(compressed).toString()).toBe(textOf(sizes));
  });

  it('stops when nobody reads any more', () => {
    const body = bodyOf(Array.from({ length: 500 }, () => 10_000));
    const written: number[] = [];
    body.start({ write: (chunk) => written.push(chunk.length) < 3, end: () => written.push(-1) });
    body.resume();
    body.cancel();
    body.resume();
    expect(written).toHaveLength(3);
    expect(written).not.toContain(-1);
  });
});
