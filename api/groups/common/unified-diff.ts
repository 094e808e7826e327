/**
 * Unified diffs of texts, as error messages of upstream carry them: three lines of context, no file names. Blocks are found
 * as Ratcliff and Obershelp do, the longest first; lines that repeat very often do not start one.
 */

type Opcode = readonly [
  kind: 'equal' | 'replace' | 'delete' | 'insert',
  i1: number,
  i2: number,
  j1: number,
  j2: number,
];

const CONTEXT = 3;
/** From this many lines on, lines that stand more often than once in a hundred start no block. */
const POPULAR_FROM = 200;

/** Where each line of `lines` stands, without the popular ones. */
function positionsOf(lines: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  lines.forEach((line, index) => {
    const known = positions.get(line);
    if (known === undefined) positions.set(line, [index]);
    else known.push(index);
  });
  if (lines.length >= POPULAR_FROM) {
    const most = Math.floor(lines.length / 100) + 1;
    for (const [line, places] of positions) if (places.length > most) positions.delete(line);
  }
  return positions;
}

type Block = readonly [i: number, j: number, size: number];

class Matcher {
  readonly #a: readonly string[];
  readonly #b: readonly string[];
  readonly #positions: Map<string, number[]>;

  constructor(a: readonly string[], b: readonly string[]) {
    this.#a = a;
    this.#b = b;
    this.#positions = positionsOf(b);
  }

  #longest(alo: number, ahi: number, blo: number, bhi: number): Block {
    let [bestI, bestJ, size] = [alo, blo, 0];
    let lengths = new Map<number, number>();
    for (let i = alo; i < ahi; i++) {
      const next = new Map<number, number>();
      for (const j of this.#positions.get(this.#a[i]!) ?? []) {
        if (j < blo) continue;
        if (j >= bhi) break;
        const length = (lengths.get(j - 1) ?? 0) + 1;
        next.set(j, length);
        if (length > size) [bestI, bestJ, size] = [i - length + 1, j - length + 1, length];
      }
      lengths = next;
    }
    while (bestI > alo && bestJ > blo && this.#a[bestI - 1] === this.#b[bestJ - 1])
      [bestI, bestJ, size] = [bestI - 1, bestJ - 1, size + 1];
    while (bestI + size < ahi && bestJ + size < bhi && this.#a[bestI + size] === this.#b[bestJ + size])
      size++;
    return [bestI, bestJ, size];
  }

  #blocks(alo: number, ahi: number, blo: number, bhi: number, found: Block[]): void {
    const [i, j, size] = this.#longest(alo, ahi, blo, bhi);
    if (size === 0) return;
    if (alo < i && blo < j) this.#blocks(alo, i, blo, j, found);
    found.push([i, j, size]);
    if (i + size < ahi && j + size < bhi) this.#blocks(i + size, ahi, j + size, bhi, found);
  }

  /** What turns `a` into `b`, in order. */
  opcodes(): Opcode[] {
    const blocks: Block[] = [];
    this.#blocks(0, this.#a.length, 0, this.#b.length, blocks);
    blocks.push([this.#a.length, this.#b.length, 0]);
    const codes: Opcode[] = [];
    let [i, j] = [0, 0];
    for (const [ai, bj, size] of blocks) {
      if (i < ai || j < bj) {
        const kind = i < ai && j < bj ? 'replace' : i < ai ? 'delete' : 'insert';
        codes.push([kind, i, ai, j, bj]);
      }
      [i, j] = [ai + size, bj + size];
      const last = codes.at(-1);
      if (size === 0) continue;
      if (last?.[0] === 'equal' && last[2] === ai && last[4] === bj)
        codes[codes.length - 1] = ['equal', last[1], i, last[3], j];
      else codes.push(['equal', ai, i, bj, j]);
    }
    return codes;
  }
}

/** Opcodes in groups of what stands near each other, with context around. */
function grouped(codes: Opcode[]): Opcode[][] {
  const list = [...codes];
  const first = list[0];
  if (first?.[0] === 'equal') {
    const [kind, i1, i2, j1, j2] = first;
    list[0] = [kind, Math.max(i1, i2 - CONTEXT), i2, Math.max(j1, j2 - CONTEXT), j2];
  }
  const last = list.at(-1);
  if (last?.[0] === 'equal') {
    const [kind, i1, i2, j1, j2] = last;
    list[list.length - 1] = [kind, i1, Math.min(i2, i1 + CONTEXT), j1, Math.min(j2, j1 + CONTEXT)];
  }
  const groups: Opcode[][] = [];
  let group: Opcode[] = [];
  for (const [kind, i1, i2, j1, j2] of list) {
    if (kind !== 'equal' || i2 - i1 <= CONTEXT * 2) {
      group.push([kind, i1, i2, j1, j2]);
      continue;
    }
    group.push([kind, i1, Math.min(i2, i1 + CONTEXT), j1, Math.min(j2, j1 + CONTEXT)]);
    groups.push(group);
    group = [[kind, Math.max(i1, i2 - CONTEXT), i2, Math.max(j1, j2 - CONTEXT), j2]];
  }
  if (group.length > 0 && !(group.length === 1 && group[0]![0] === 'equal')) groups.push(group);
  return groups;
}

function rangeText(start: number, stop: number): string {
  const length = stop - start;
  if (length === 1) return String(start + 1);
  return `${length === 0 ? start : start + 1},${length}`;
}

/** The diff from `before` to `after`; '' when they are the same. */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split('\n');
  const b = after.split('\n');
  let out = '';
  for (const group of grouped(new Matcher(a, b).opcodes())) {
    const first = group[0]!;
    const last = group.at(-1)!;
    out += `@@ -${rangeText(first[1], last[2])} +${rangeText(first[3], last[4])} @@\n`;
    for (const [kind, i1, i2, j1, j2] of group) {
      if (kind === 'equal')
        out += a
          .slice(i1, i2)
          .map((line) => ` ${line}\n`)
          .join('');
      if (kind === 'replace' || kind === 'delete')
        out += a
          .slice(i1, i2)
          .map((line) => `-${line}\n`)
          .join('');
      if (kind === 'replace' || kind === 'insert')
        out += b
          .slice(j1, j2)
          .map((line) => `+${line}\n`)
          .join('');
    }
  }
  return out;
}
