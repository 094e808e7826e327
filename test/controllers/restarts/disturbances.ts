/** What can come between a controller and the server: the process dies, writes fail, news is late. */
import type { Client, WatchEvent, WatchHandler } from '../../../api/machinery/client.ts';
import type { Clock } from '../../../api/machinery/clock.ts';
import { newInternalError, newTimeout } from '../../../api/machinery/errors.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import { randomInt, type Random } from '../../../api/machinery/random.ts';

/** What is put around each write of a controller; `write` does it. */
export type AroundWrite = <R>(write: () => Promise<R>) => Promise<R>;
/** What is put around a watch's events; `deliver` hands one on. */
export type AroundEvents = () => (deliver: () => void) => void;

export interface Disturbance {
  readonly aroundWrite?: AroundWrite;
  readonly aroundEvents?: AroundEvents;
}

/** The error of a call by a process that is dead: nobody is there to see it. */
class Dead extends Error {
  override readonly name = 'Dead';
}

/**
 * One process's client. After `die` no call gets through any more. Events and leases are left alone: nothing goes by the
 * former, and the latter come by the clock.
 */
export class ProcessClient {
  readonly client: Client;
  #isDead = false;
  readonly #around: Disturbance;

  constructor(client: Client, around: Disturbance) {
    this.#around = around;
    this.client = this.#wrap(client);
  }

  die(): void {
    this.#isDead = true;
  }

  #read<R>(call: () => R): R {
    if (this.#isDead) throw new Dead('the process is gone');
    return call();
  }

  async #write<R>(resource: string, write: () => Promise<R>): Promise<R> {
    if (this.#isDead) throw new Dead('the process is gone');
    const { aroundWrite } = this.#around;
    if (aroundWrite === undefined || resource === 'events' || resource === 'leases') return write();
    return aroundWrite(write);
  }

  #wrap(client: Client): Client {
    return {
      get: async (resource, target) => this.#read(() => client.get(resource, target)),
      getScale: async (resource, target) => this.#read(() => client.getScale(resource, target)),
      list: async (resource, options) => this.#read(() => client.list(resource, options)),
      watch: (resource, options, handler) => client.watch(resource, options, this.#late(handler)),
      create: (resource, ...rest) => this.#write(resource.resource, () => client.create(resource, ...rest)),
      update: (resource, ...rest) => this.#write(resource.resource, () => client.update(resource, ...rest)),
      patch: (resource, ...rest) => this.#write(resource.resource, () => client.patch(resource, ...rest)),
      delete: (resource, ...rest) => this.#write(resource.resource, () => client.delete(resource, ...rest)),
      deleteCollection: (resource, ...rest) =>
        this.#write(resource.resource, () => client.deleteCollection(resource, ...rest)),
      createSubresource: (resource, ...rest) =>
        this.#write(resource.resource, () => client.createSubresource(resource, ...rest)),
      resources: (verbs) => client.resources(verbs),
      resourceOf: (apiVersion, kind) => client.resourceOf(apiVersion, kind),
      as: (component) => this.#wrap(client.as(component)),
    };
  }

  #late<T extends KubeObject>(handler: WatchHandler<T>): WatchHandler<T> {
    const around = this.#around.aroundEvents?.();
    return {
      event: (event: WatchEvent<T>) => {
        const deliver = (): void => {
          if (!this.#isDead) handler.event(event);
        };
        if (around === undefined) deliver();
        else around(deliver);
      },
      ended: (error) => handler.ended(error),
    };
  }
}

/** Calls `after` behind each write. */
export function counting(after: () => void): AroundWrite {
  return async (write) => {
    try {
      return await write();
    } finally {
      after();
    }
  };
}

const FAILURES = [() => newInternalError(new Error('made up')), () => newTimeout('made up')];

/** Every third write fails, half of those after it was done: the caller cannot know. */
export function failing(random: Random, isOn: () => boolean): AroundWrite {
  let count = 0;
  return async (write) => {
    if (!isOn() || ++count % 3 !== 0) return write();
    if (randomInt(random, 2) === 0) await write();
    throw FAILURES[randomInt(random, FAILURES.length)]!();
  };
}

/** Events of a watch come in order, each up to `latestMs` late. */
export function late(random: Random, clock: Clock, latestMs: number): AroundEvents {
  return () => {
    const waiting: (() => void)[] = [];
    const next = (): void => {
      clock.schedule(randomInt(random, latestMs), () => {
        waiting.shift()!();
        if (waiting.length > 0) next();
      });
    };
    return (deliver) => {
      waiting.push(deliver);
      if (waiting.length === 1) next();
    };
  };
}
