import { expect, it } from 'vitest';
import { remembering } from '../../../api/machinery/remembering.ts';

it.each([
  { name: 'makes an answer once', key: 'a'.repeat(256), made: 1 },
  { name: 'keeps no text that is long', key: 'a'.repeat(257), made: 2 },
])('$name', ({ key, made }) => {
  let count = 0;
  const lengthOf = remembering((text: string) => {
    count++;
    return text.length;
  });
  expect([lengthOf(key), lengthOf(key)]).toEqual([key.length, key.length]);
  expect(count).toBe(made);
});
