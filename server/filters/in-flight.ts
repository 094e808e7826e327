/** Lets the task tracker know of requests under way, so that a cluster with one is not called settled. */
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import type { Filter } from './filter.ts';
import { isLongRunning } from './timeout.ts';

export function inFlight(tasks: TaskTracker): Filter {
  return async (context, next) => {
    const { info } = context.get('exchange');
    if (isLongRunning(info)) return next();
    const release = tasks.hold(`request ${info.verb} ${info.path}`);
    try {
      return await next();
    } finally {
      release();
    }
  };
}
