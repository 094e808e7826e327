/**
 * The command as one script, beside the code V8 made of it when it was built: compiling the script anew takes longer than
 * starting a cluster. Node 20 has no such cache of its own.
 */
import { isAscii } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/** What the script exports. */
export interface CommandScript {
  /** Does what process.argv says. */
  main(): Promise<void>;
}

export interface CompiledScript {
  /** False when there is no prepared code for this V8, or V8 refused it; the script runs all the same. */
  readonly isPrepared: boolean;
  run(): CommandScript;
  /** Keeps the code V8 has by now, including all functions that were called so far. */
  keepCode(): void;
}

/** Compiles the CommonJS script `file`. It cannot use import(). */
export function compileScript(file: string): CompiledScript {
  const bytes = readFileSync(file);
  const source = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    cachedData: readIfThere(codeFile(file)),
  });
  return {
    isPrepared: script.cachedDataRejected === false,
    run: () => {
      const module = { exports: {} };
      script
        .runInThisContext()
        .call(undefined, module.exports, createRequire(file), module, file, dirname(file));
      return module.exports as CommandScript;
    },
    keepCode: () => writeFileSync(codeFile(file), script.createCachedData()),
  };
}

/** Code is good for one V8 on one kind of processor. */
export function codeFile(script: string): string {
  return script.replace(/\.cjs$/, `.${process.versions.v8}-${process.arch}.code`);
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
