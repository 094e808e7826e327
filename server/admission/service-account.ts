import { newForbidden } from '../../api/machinery/errors.ts';
import { randomSuffix } from '../../api/machinery/random.ts';
import type { Container, Pod, ServiceAccount, Volume, VolumeMount } from '../../openapi/generated/core-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin } from './plugin.ts';

const DEFAULT_ACCOUNT = 'default';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour and seven seconds, by which the kubelet knows these tokens. */
const TOKEN_SECONDS = 3607;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Gives pods their service account, its pull secrets and its token. Mirrors plugin/pkg/admission/serviceaccount. */
export function serviceAccount({ reader, random }: AdmissionContext): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    admit: ({ definition, operation, subresource, object, namespace, name }) => {
      if (
        operation !== 'CREATE' ||
        subresource !== '' ||
        definition.group !== '' ||
        definition.names.plural !== 'pods'
      )
        return;
      const pod = object as unknown as Pod;
      if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return;
      const accountName = pod.spec.serviceAccountName || DEFAULT_ACCOUNT;
      pod.spec.serviceAccountName = accountName;
      pod.spec.serviceAccount = accountName;
      const account = reader.get(
        { group: '', resource: 'serviceaccounts' },
        namespace,
        accountName,
      ) as unknown as ServiceAccount | undefined;
      if (account === undefined) {
        const why = `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`;
        throw newForbidden({ group: '', resource: 'pods' }, name, why);
      }
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets !== undefined) {
        pod.spec.imagePullSecrets = account.imagePullSecrets.map((reference) => ({ ...reference }));
      }
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
        mountToken(pod, `${VOLUME_PREFIX}${randomSuffix(random)}`);
    },
  };
}

/** Adds the projected token volume and mounts it wherever nothing else is mounted at its place. */
function mountToken(pod: Pod, fresh: string): void {
  const existing = pod.spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const volumeName = existing?.name ?? fresh;
  const mount: VolumeMount = { name: volumeName, readOnly: true, mountPath: MOUNT_PATH };
  let isUsed = false;
  const mountInto = (containers: readonly Container[] | undefined): void => {
    for (const container of containers ?? []) {
      if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH) === true) continue;
      container.volumeMounts = [...(container.volumeMounts ?? []), { ...mount }];
      isUsed = true;
    }
  };
  mountInto(pod.spec.initContainers);
  mountInto(pod.spec.containers);
  if (isUsed && existing === undefined)
    pod.spec.volumes = [...(pod.spec.volumes ?? []), tokenVolume(volumeName)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
