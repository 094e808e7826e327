/** What writers and readers of the protobuf wire format have in common. */

/** Wire types. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** Strings up to this long are copied character by character: quicker than a call out of JavaScript. */
export const SHORT_STRING = 32;
export const INT32_MAX = 0x7fff_ffff;
/** Largest value a varint is made of or read into as a plain number, without BigInt. */
export const PLAIN_MAX = Number.MAX_SAFE_INTEGER;
