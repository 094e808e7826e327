/** CRUD on any resource, once for all kinds. Mirrors apiserver registry/generic/registry store.go. */
import { Creations } from './create.ts';
import { Deletions } from './delete.ts';
import type { ResourceRegistry } from './interface.ts';
import { Reads } from './read.ts';
import type { RegistryOptions } from './registry-options.ts';
import { Results } from './results.ts';
import { StoredWrites } from './stored-writes.ts';
import { Updates } from './update.ts';

/** The registry over a store; it keeps nothing that the store does not. */
export function createRegistry(options: RegistryOptions): ResourceRegistry {
  const results = new Results();
  const writes = new StoredWrites(options);
  const reads = new Reads(options, results);
  const creations = new Creations(options, results, writes);
  const updates = new Updates(options, results, writes, creations);
  const deletions = new Deletions(options, results, writes);
  return {
    current: (target, object) => reads.current(target, object),
    get: (_context, target, object, read) => reads.get(target, object, read),
    list: (_context, target, scope, list) => reads.list(target, scope, list),
    watch: (_context, target, scope, watch, listener) => reads.watch(target, scope, watch, listener),
    create: (context, target, scope, object, write) =>
      creations.create(context, target, scope, object, write),
    update: (context, target, object, updater, update) =>
      updates.update(context, target, object, updater, update),
    delete: (context, target, object, deletion) => deletions.delete(context, target, object, deletion),
    deleteCollection: async (context, target, scope, list, deletion) =>
      deletions.deleteListed(context, target, await reads.list(target, scope, list), deletion),
  };
}
