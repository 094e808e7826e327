/** What requests leave behind: nothing. Counted in a process of its own, where nobody else allocates. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Holdings } from './fixtures/leak-process.ts';

const PROCESS = join(import.meta.dirname, 'fixtures', 'leak-process.ts');
/** A kilobyte left behind by each request, or by each watch, would be 5 MB. */
const HEAP_GROWTH_BYTES_MAX = 4_000_000;

it('5,000 requests and 5,000 cancelled watches leave heap, listeners and sockets as they were', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', PROCESS, '5000'],
    { env: { ...process.env, NODE_ENV: 'production' } },
  );
  const { before, after } = JSON.parse(stdout) as { before: Holdings; after: Holdings };
  const { heapBytes: heapBefore, ...heldBefore } = before;
  const { heapBytes: heapAfter, ...heldAfter } = after;
  expect(heldAfter).toEqual(heldBefore);
  expect(heldAfter.watchStreams).toBe(0);
  expect(heapAfter - heapBefore).toBeLessThan(HEAP_GROWTH_BYTES_MAX);
  expect(stderr).not.toContain('MaxListenersExceededWarning');
}, 180_000);
