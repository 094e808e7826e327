/** Subresources in the shape of their object that take only a part of what is written, by `plural.group` and name. */
import type { PartBehaviour } from '../definition.ts';
import { approval } from './certificates/approval.ts';
import { namespaceFinalizers } from './core/namespace.ts';
import { podEphemeralContainers } from './core/pod-ephemeral-containers.ts';
import { podResize } from './core/pod-resize.ts';

export const parts: Readonly<Record<string, Readonly<Record<string, PartBehaviour>>>> = {
  namespaces: { finalize: namespaceFinalizers },
  pods: { ephemeralcontainers: podEphemeralContainers, resize: podResize },
  'certificatesigningrequests.certificates.k8s.io': { approval },
};
