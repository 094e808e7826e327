/** Which admission plugins there are, and in which order they run. */
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts';
import { priority } from './priority.ts';
import type { ObjectReader } from './reader.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import type { Client } from '../../api/machinery/client.ts';
import type { Random } from '../../api/machinery/random.ts';

/** What plugins may look at. */
export interface AdmissionContext {
  readonly reader: ObjectReader;
  readonly random: Random;
  /** The API server's own; first asked for when an object is admitted. */
  readonly client: () => Client;
}

interface PluginEntry {
  readonly create: (context: AdmissionContext) => AdmissionPlugin;
  readonly name: string;
  readonly enabledByDefault: boolean;
}

/** In the order they run, in both passes. Mirrors kubeapiserver/options/plugins.go. */
const PLUGINS: readonly PluginEntry[] = [
  { name: 'NamespaceLifecycle', create: namespaceLifecycle, enabledByDefault: true },
  { name: 'LimitRanger', create: limitRanger, enabledByDefault: true },
  { name: 'ServiceAccount', create: serviceAccount, enabledByDefault: true },
  { name: 'TaintNodesByCondition', create: taintNodesByCondition, enabledByDefault: true },
  { name: 'Priority', create: priority, enabledByDefault: true },
  { name: 'DefaultTolerationSeconds', create: defaultTolerationSeconds, enabledByDefault: true },
  { name: 'DefaultStorageClass', create: defaultStorageClass, enabledByDefault: true },
  { name: 'StorageObjectInUseProtection', create: storageObjectInUseProtection, enabledByDefault: true },
  { name: 'PersistentVolumeClaimResize', create: persistentVolumeClaimResize, enabledByDefault: true },
  { name: 'RuntimeClass', create: runtimeClass, enabledByDefault: true },
  { name: 'DefaultIngressClass', create: defaultIngressClass, enabledByDefault: true },
  { name: 'ResourceQuota', create: resourceQuota, enabledByDefault: true },
];

export interface AdmissionChain {
  /** The mutating pass. Undefined when it is over. */
  admit(request: AdmissionRequest): Promise<void> | undefined;
  /** The validating pass, on the final object. Undefined when it is over. */
  validate(request: AdmissionRequest): Promise<void> | undefined;
}

export interface AdmissionOptions {
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
}

/** The chain of the enabled plugins. Throws an Error that names an unknown plugin. */
export function createAdmissionChain(
  context: AdmissionContext,
  { enable = [], disable = [] }: AdmissionOptions = {},
): AdmissionChain {
  for (const name of [...enable, ...disable]) {
    if (!PLUGINS.some((entry) => entry.name === name))
      throw new Error(`admission plugin "${name}" is unknown`);
  }
  const plugins = PLUGINS.filter(
    ({ name, enabledByDefault }) => !disable.includes(name) && (enabledByDefault || enable.includes(name)),
  ).map(({ create }) => create(context));
  return {
    admit: (request) => inTurn(plugins, 0, (plugin) => plugin.admit?.(request)),
    validate: (request) => inTurn(plugins, 0, (plugin) => plugin.validate?.(request)),
  };
}

/** Asks the plugins from `first` on. Most have nothing to wait for, and a turn for each of them adds up. */
function inTurn(
  plugins: readonly AdmissionPlugin[],
  first: number,
  ask: (plugin: AdmissionPlugin) => Promise<void> | void,
): Promise<void> | undefined {
  for (let at = first; at < plugins.length; at++) {
    const pending = ask(plugins[at]!);
    if (pending !== undefined) return pending.then(() => inTurn(plugins, at + 1, ask));
  }
  return undefined;
}
