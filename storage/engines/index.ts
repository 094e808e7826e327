import type { Engine } from '../interface.ts';
import { type LevelEngineOptions, LevelEngine } from './level.ts';
import { MemoryEngine } from './memory.ts';

export type EngineOptions = { readonly type: 'memory' } | ({ readonly type: 'level' } & LevelEngineOptions);

/** The engine that `options` name, not opened yet: hand it to `openStore`. */
export function openEngine(options: EngineOptions): Engine {
  switch (options.type) {
    case 'memory':
      return new MemoryEngine();
    case 'level':
      return new LevelEngine(options);
  }
}
