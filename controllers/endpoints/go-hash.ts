/** FNV-1a of 128 bits as Go's hash/fnv has it: upstream puts ports and subsets in the order of their hashes. */

const MULTIPLIER = 0x13b;

/** 32 lowercase hexadecimal digits of the hash of a text of ASCII. */
export function fnv128a(text: string): string {
  // Four words of 32 bits, the lowest first.
  let [a, b, c, d] = [0x6295c58d, 0x62b82175, 0x07bb0142, 0x6c62272e];
  for (const byte of Buffer.from(text)) {
    a = (a ^ byte) >>> 0;
    // Times 2^88 + 0x13b.
    const low = a * MULTIPLIER;
    const second = b * MULTIPLIER + Math.floor(low / 2 ** 32);
    const third = c * MULTIPLIER + Math.floor(second / 2 ** 32) + ((a << 24) >>> 0);
    const fourth = d * MULTIPLIER + Math.floor(third / 2 ** 32) + (a >>> 8) + ((b << 24) >>> 0);
    [a, b, c, d] = [low % 2 ** 32, second % 2 ** 32, third % 2 ** 32, fourth % 2 ** 32];
  }
  return [d, c, b, a].map((word) => word.toString(16).padStart(8, '0')).join('');
}
