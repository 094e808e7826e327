/** Lets the task tracker know of requests under way, so that a cluster with one is not called settled. */
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import type { Filter } from './filter.ts';
import { isLongRunning } from './timeout.ts';

export function inFlight(tasks: TaskTracker): Filter {
  return (next) => (exchange) => {
    const answer = next(exchange);
    // What is answered already kept nobody waiting.
    if (!(answer instanceof Promise) || isLongRunning(exchange.info)) return answer;
    const release = tasks.hold(`request ${exchange.info.verb} ${exchange.info.path}`);
    return answer.finally(release);
  };
}
