/** A client that lists and watches what a test tells it. */
import type { Client, List, ResourceType, WatchEvent, WatchHandler } from '../../../api/machinery/client.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';

export interface ScriptedClient<T extends KubeObject> {
  readonly client: Client;
  readonly log: string[];
  /** What the next lists answer; an Error is thrown. */
  setList(objects: readonly T[] | Error, resourceVersion: string): void;
  /** The watch that is open. */
  send(event: WatchEvent<T>): void;
  end(error?: Error): void;
}

export function createScriptedClient<T extends KubeObject>(): ScriptedClient<T> {
  const log: string[] = [];
  let answer: List<T> | Error = { items: [], resourceVersion: '1' };
  let open: WatchHandler<T> | undefined;
  const client = {
    list: (resource: ResourceType<T>): Promise<List<T>> => {
      log.push(`list ${resource.resource}`);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    watch: (
      resource: ResourceType<T>,
      options: { readonly resourceVersion: string },
      handler: WatchHandler<T>,
    ): (() => void) => {
      log.push(`watch ${resource.resource} from ${options.resourceVersion}`);
      open = handler;
      return () => {
        log.push(`stop ${resource.resource}`);
        open = undefined;
      };
    },
  };
  return {
    client: client as unknown as Client,
    log,
    setList: (objects, resourceVersion) => {
      answer = objects instanceof Error ? objects : { items: objects as readonly T[], resourceVersion };
    },
    send: (event) => open!.event(event),
    end: (error) => {
      const ending = open!;
      open = undefined;
      ending.ended(error);
    },
  };
}
