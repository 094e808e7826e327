/** Claims of devices. Devices are not allocated yet: what is here is what upstream says of a pod without claims. */
import type { Plugin } from '../plugin.ts';

export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  prepare: () => ({ postFilter: () => ({ message: 'no new claims to deallocate', isDone: false }) }),
};
