/**
 * What a container does, judged by its image and command: run until stopped, or end after some time with an exit code.
 * The rules are listed in docs/reference/nodes.md; annotations of the pod override them.
 */
import type { Container, Pod } from '../../openapi/generated/core-v1.ts';
import { parseImage } from './images.ts';

export interface Program {
  /** Undefined: runs until it is stopped. */
  readonly end?: { readonly afterMs: number; readonly exitCode: number };
  /** What it ends with when it is stopped before: a server comes to an orderly end, others die of the signal. */
  readonly stopExitCode: number;
}

/** How long a command takes that does nothing but end. */
const SHORT_RUN_MS = 100;
/** 128 + SIGTERM. */
const TERMINATED = 143;
const SERVER: Program = { stopExitCode: 0 };
const UNTIL_KILLED: Program = { stopExitCode: TERMINATED };

function ends(afterMs: number, exitCode: number): Program {
  return { end: { afterMs, exitCode }, stopExitCode: TERMINATED };
}

/** Images whose default command is a shell or a greeting: without a command they end at once. */
const ENDING_IMAGES =
  /^(busybox|alpine|ubuntu|debian|centos|fedora|bash|hello-world|perl|python|node|golang|ruby)$/;

/** `kubemu.io/run-seconds` and `kubemu.io/exit-code`, or the same with `.<container>` behind, override everything. */
export function programOf(pod: Pod, container: Container): Program {
  const annotation = (name: string): string | undefined =>
    pod.metadata.annotations?.[`kubemu.io/${name}.${container.name}`] ??
    pod.metadata.annotations?.[`kubemu.io/${name}`];
  const exitCode = annotation('exit-code');
  const runSeconds = annotation('run-seconds');
  if (exitCode !== undefined || runSeconds !== undefined) {
    const afterMs = runSeconds === undefined ? SHORT_RUN_MS : Number(runSeconds) * 1000;
    return ends(afterMs, Number(exitCode ?? 0));
  }
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  if (words.length > 0) return programOfCommand(words, pod.spec.restartPolicy ?? 'Always');
  const image = parseImage(container.image ?? '');
  const base = 'error' in image ? '' : image.repository.split('/').at(-1)!;
  return ENDING_IMAGES.test(base) ? ends(SHORT_RUN_MS, 0) : SERVER;
}

function programOfCommand(words: readonly string[], restartPolicy: string): Program {
  const name = words[0]!.split('/').at(-1)!;
  if (/^(sh|bash|ash|dash)$/.test(name)) {
    const flag = words.findIndex((word) => /^-\w*c$/.test(word));
    if (flag > 0 && words[flag + 1] !== undefined) return programOfScript(words[flag + 1]!);
  }
  const known = simpleCommand(words);
  if (known !== undefined) return known;
  // An unknown command: a server where the pod is to run on, a task where the pod is to end.
  return restartPolicy === 'Always' ? SERVER : ends(SHORT_RUN_MS, 0);
}

const DURATION_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Commands whose effect on time and exit code is known. */
function simpleCommand(words: readonly string[]): Program | undefined {
  switch (words[0]!.split('/').at(-1)) {
    case 'sleep': {
      if (words[1] === 'infinity' || words[1] === 'inf') return UNTIL_KILLED;
      const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(words[1] ?? '');
      return match === null
        ? ends(SHORT_RUN_MS, 1)
        : ends(Number(match[1]) * DURATION_MS[match[2] || 's']!, 0);
    }
    case 'exit':
      return ends(SHORT_RUN_MS, Number(words[1] ?? 0) & 0xff);
    case 'false':
      return ends(SHORT_RUN_MS, 1);
    case 'true':
    case ':':
    case 'echo':
    case 'printf':
    case 'date':
    case 'env':
    case 'printenv':
    case 'hostname':
    case 'id':
    case 'ls':
    case 'pwd':
    case 'uname':
    case 'whoami':
      return ends(SHORT_RUN_MS, 0);
    default:
      return undefined;
  }
}

/** A shell script, read as a sequence of simple commands; loops and followers run until stopped. */
function programOfScript(script: string): Program {
  if (/\b(while|until)\b|\btail\s+-[fF]|\bsleep\s+inf|\bwait\b/.test(script)) return UNTIL_KILLED;
  let afterMs = SHORT_RUN_MS;
  let exitCode = 0;
  let skip = false;
  for (const part of script.split(/(;|\n|&&|\|\|)/)) {
    const text = part.trim();
    if (text === '&&' || text === '||') {
      skip = text === '&&' ? exitCode !== 0 : exitCode === 0;
      continue;
    }
    if (text === ';' || text === '') {
      if (text === ';') skip = false;
      continue;
    }
    if (skip) continue;
    const words = text.split(/\s+/);
    const program = simpleCommand(words);
    if (program === UNTIL_KILLED) return UNTIL_KILLED;
    afterMs += program?.end === undefined || program.end.afterMs === SHORT_RUN_MS ? 0 : program.end.afterMs;
    exitCode = program?.end?.exitCode ?? 0;
    if (words[0] === 'exit') break;
  }
  return ends(afterMs, exitCode);
}
