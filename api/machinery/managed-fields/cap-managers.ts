/** Keeps the number of updating managers small. Mirrors apimachinery util/managedfields internal/capmanagers.go. */
import { compareText } from '../go-format.ts';
import { union } from './field-set.ts';
import { managerIdentifier, type Managed } from './managed-entries.ts';

const UPDATE_MANAGERS_MAX = 10;
const OLD_UPDATES_MANAGER = 'ancient-changes';

/** Joins the oldest updates of each version into one manager until there are few enough; in place. */
export function capUpdateManagers({ owners, times }: Managed): void {
  if (owners.size <= UPDATE_MANAGERS_MAX) return;
  const updaters = [...owners].filter(([, { applied }]) => !applied).map(([manager]) => manager);
  if (updaters.length <= UPDATE_MANAGERS_MAX) return;
  updaters.sort((a, b) => compareText(times.get(a) ?? '', times.get(b) ?? '') || compareText(a, b));
  const firstOfVersion = new Map<string, string>();
  let count = updaters.length;
  for (const manager of updaters) {
    if (count <= UPDATE_MANAGERS_MAX) return;
    const owner = owners.get(manager)!;
    const { apiVersion } = owner;
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, manager);
      continue;
    }
    const bucket = managerIdentifier({ manager: OLD_UPDATES_MANAGER, operation: 'Update', apiVersion });
    const joined = owners.get(bucket) ?? owners.get(first)!;
    if (!owners.has(bucket)) owners.delete(first);
    owners.delete(manager);
    owners.set(bucket, { ...owner, set: union(owner.set, joined.set) });
    times.set(bucket, times.get(manager));
    count--;
  }
}
