/** Hashes of pod templates and revisions, the same as those of Kubernetes of this release. */
import { NAME_ALPHABET } from '../../api/machinery/random.ts';
import type { PodTemplateSpec } from '../../openapi/generated/core-v1.ts';
import { printTemplate } from '../../api/machinery/go-print.ts';
import { sortedJSON } from './sorted-json.ts';

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** Name part of a template, at most ten letters. Mirrors pkg/controller ComputeHash. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const printed = Buffer.from(printTemplate(template));
  const count = Buffer.alloc(collisionCount === undefined ? 0 : 8);
  if (collisionCount !== undefined) count.writeUInt32LE(collisionCount);
  let hash = OFFSET;
  for (const bytes of [printed, count]) for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME) >>> 0;
  return letters(hash);
}

/** Name part of the data of a revision as Go writes it. Mirrors pkg/controller/history HashControllerRevision. */
export function revisionHash(data: Readonly<Record<string, unknown>>, collisionCount: number): string {
  const text = sortedJSON(data).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  let hash = OFFSET;
  for (const byte of Buffer.from(text + String(collisionCount))) hash = (Math.imul(hash, PRIME) ^ byte) >>> 0;
  return letters(hash);
}

/** A number in letters that make no words. */
function letters(hash: number): string {
  return Array.from(String(hash), (digit) => NAME_ALPHABET[digit.charCodeAt(0) % NAME_ALPHABET.length]!).join(
    '',
  );
}
