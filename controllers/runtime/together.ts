import type { RunningController } from './controller.ts';

/** Several that run as one: started in their order, and stopped in it. */
export function together(parts: readonly RunningController[]): Required<RunningController> {
  return {
    start: () => {
      for (const part of parts) part.start?.();
    },
    stop: async () => {
      for (const part of parts) await part.stop?.();
    },
  };
}
