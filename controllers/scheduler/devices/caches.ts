/** All that the scheduler knows and does about devices. */
import { randomUUID } from '../../../api/machinery/random.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceSlices,
  type DeviceClass,
  type ResourceClaim,
  type ResourceSlice,
} from '../../../openapi/generated/resource-v1.ts';
import type { ControllerContext, Informer } from '../../runtime/controller.ts';
import { AllocatedDevices } from './allocated-devices.ts';
import { BindingWaits } from './binding-conditions.ts';
import { ClaimWriter } from './claim-writer.ts';
import { ExtendedResources } from './extended-resources.ts';
import { DeviceCatalog } from './pools.ts';

export interface DeviceCaches {
  readonly claims: Informer<ResourceClaim>;
  readonly classes: Informer<DeviceClass>;
  readonly slices: Informer<ResourceSlice>;
  readonly catalog: DeviceCatalog;
  readonly allocated: AllocatedDevices;
  readonly extended: ExtendedResources;
  readonly writer: ClaimWriter;
  readonly waits: BindingWaits;
  newShareID(): string;
  now(): number;
  /** Does something that nobody waits for. */
  inBackground(work: () => Promise<void>): void;
}

/** `context.client` is the scheduler's. */
export function deviceCaches(context: ControllerContext): DeviceCaches {
  const claims = context.informer(resourceClaims);
  const classes = context.informer(deviceClasses);
  const slices = context.informer(resourceSlices);
  const { clock, random, tasks, logger } = context;
  return {
    claims,
    classes,
    slices,
    catalog: new DeviceCatalog(slices),
    allocated: new AllocatedDevices(claims),
    extended: new ExtendedResources(classes),
    writer: new ClaimWriter(context),
    waits: new BindingWaits(claims, clock),
    newShareID: () => randomUUID(random),
    now: () => clock.now(),
    inBackground: (work) => {
      const onError = (error: unknown): void => logger.error('scheduler devices failed', { error });
      tasks.run('scheduler devices', work, onError);
    },
  };
}
