/** Extended resources that are devices: which class stands for them, and the requests a pod's containers come to. */
import type { Container, Pod, PodExtendedResourceClaimStatus } from '../../../openapi/generated/core-v1.ts';
import type { DeviceClass, DeviceRequest } from '../../../openapi/generated/resource-v1.ts';
import { parseTime } from '../../../api/machinery/clock.ts';
import { parseQuantity, wholeUnits } from '../../../api/machinery/quantity.ts';
import type { Informer } from '../../runtime/controller.ts';

/** Every class stands for `deviceclass.resource.kubernetes.io/<its name>`. */
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/';

type Mappings = PodExtendedResourceClaimStatus['requestMappings'];

export class ExtendedResources {
  readonly #classes = new Map<string, DeviceClass>();
  readonly #informer: Informer<DeviceClass>;
  #revision = 0;

  constructor(classes: Informer<DeviceClass>) {
    this.#informer = classes;
    const renew = (): void => this.#renew();
    classes.addHandler({ added: renew, updated: renew, deleted: renew });
  }

  /** Changes whenever another class may stand for a resource. */
  get revision(): number {
    return this.#revision;
  }

  classFor(resource: string): DeviceClass | undefined {
    return this.#classes.get(resource);
  }

  /** Of classes that want one name the newest has it. */
  #renew(): void {
    this.#revision++;
    this.#classes.clear();
    for (const deviceClass of this.#informer.list()) {
      this.#classes.set(DEVICE_CLASS_PREFIX + deviceClass.metadata.name!, deviceClass);
      const name = deviceClass.spec.extendedResourceName;
      const rival = name === undefined ? undefined : this.#classes.get(name);
      if (name !== undefined && (rival === undefined || isNewer(deviceClass, rival)))
        this.#classes.set(name, deviceClass);
    }
  }
}

function isNewer(a: DeviceClass, b: DeviceClass): boolean {
  const [older, newer] = [b, a].map(({ metadata }) => parseTime(metadata.creationTimestamp ?? ''));
  return newer === older ? a.metadata.name! < b.metadata.name! : newer! > older!;
}

/** What the allocation of a pod's extended resources goes by until its claim is made. */
export function extendedClaimUID(podUID: string): string {
  return `extended resources of ${podUID}`;
}

/** What is asked of devices in place of extended resources, and which container gets which request. */
export interface ExtendedRequests {
  readonly requests: readonly DeviceRequest[];
  readonly mappings: Mappings;
}

interface PodContainer {
  readonly container: Container;
  readonly index: number;
}

/**
 * Requests for the named resources. Init containers that end use again what the containers behind them ask for, and share
 * what they need beyond that. Mirrors extendeddynamicresources.go createRequestsAndMappings.
 */
export function extendedRequests(
  { spec }: Pod,
  resources: readonly string[],
  extended: Pick<ExtendedResources, 'classFor'>,
): ExtendedRequests {
  const inits = spec.initContainers ?? [];
  const all = [...inits, ...spec.containers].map((container, index) => ({ container, index }));
  const ends = ({ container, index }: PodContainer): boolean =>
    index < inits.length && container.restartPolicy !== 'Always';
  const requests: DeviceRequest[] = [];
  const mappings: Mappings = [];
  for (const resource of [...resources].sort()) {
    const className = extended.classFor(resource)!.metadata.name!;
    const lasting = new Map<number, DeviceRequest>();
    for (const each of all.filter((one) => !ends(one)))
      requestOf(each, resource, className, [], mappings, (request) => lasting.set(each.index, request));
    const shared: Mappings = [];
    let largest: DeviceRequest | undefined;
    const ownNames = new Set<string>();
    for (const each of all.filter(ends)) {
      const behind = [...lasting].filter(([index]) => index >= each.index).map(([, request]) => request);
      requestOf(each, resource, className, behind, shared, (request) => {
        ownNames.add(request.name);
        if (largest === undefined || largest.exactly!.count! < request.exactly!.count!) largest = request;
      });
    }
    if (largest !== undefined) requests.push(largest);
    requests.push(...lasting.values());
    for (const mapping of shared)
      mappings.push(ownNames.has(mapping.requestName) ? { ...mapping, requestName: largest!.name } : mapping);
  }
  requests.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { requests, mappings };
}

/** Maps the container to requests it may use again, and to a new one for what those lack. */
function requestOf(
  { container, index }: PodContainer,
  resource: string,
  deviceClassName: string,
  reusable: readonly DeviceRequest[],
  mappings: Mappings,
  add: (request: DeviceRequest) => void,
): void {
  const wanted = container.resources?.requests ?? {};
  let missing = wanted[resource] === undefined ? 0 : Number(wholeUnits(parseQuantity(wanted[resource])));
  if (missing === 0) return;
  const map = (requestName: string): void => {
    mappings.push({ containerName: container.name, resourceName: resource, requestName });
  };
  for (const { name, exactly } of reusable) {
    map(name);
    missing -= exactly!.count!;
    if (missing <= 0) return;
  }
  const place = Object.keys(wanted).sort().indexOf(resource);
  const name = `container-${index}-request-${place}`;
  map(name);
  add({ name, exactly: { deviceClassName, allocationMode: 'ExactCount', count: missing } });
}
