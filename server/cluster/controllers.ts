/** Controllers, scheduler and nodes of a cluster, as its options ask for them. */
import {
  ABSENT_CONTROLLERS,
  CONTROLLERS,
  kubeletController,
  newSchedulerController,
  schedulerController,
  schedulerSettings,
  SERVER_CONTROLLERS,
  type SchedulerConfiguration,
  type SchedulerSettings,
} from '../../controllers/index.ts';
import type { ControllerDefinition, ControllerOptions } from '../../controllers/runtime/controller.ts';
import {
  createControllerManager,
  selectControllers,
  type ControllerManager,
} from '../../controllers/runtime/manager.ts';
import { parseYAML } from '../negotiation/yaml.ts';
import type { CertificateKeeper } from '../pki/keep.ts';
import { createSigner } from '../pki/signer.ts';
import { KUBERNETES_VERSION } from '../version.ts';
import { AUTHORIZER, type ApiServer } from './api-server.ts';
import type { ClusterOptions } from './options.ts';

/** Controllers for the API server; they do nothing before they are started. */
export function createControllers(
  { groundwork, ...server }: ApiServer,
  certificates: CertificateKeeper,
): ControllerManager {
  const { options, network, time, logger, schedulers } = groundwork;
  const { client, clientFor, random, tasks, metrics, tokens } = server;
  const nodes = options.nodes ?? 1;
  const controllers = selectControllers(CONTROLLERS, options.controllers ?? ['*'], ABSENT_CONTROLLERS);
  return createControllerManager({
    client,
    clientFor,
    clock: time.clock,
    random,
    tasks,
    logger,
    metrics,
    controllers: [
      ...SERVER_CONTROLLERS,
      ...controllers,
      ...schedulers,
      ...(nodes === 0 ? [] : [kubeletController]),
    ],
    options: {
      ipFamilies: network.families,
      serviceCIDRs: network.serviceRanges.map(({ cidr }) => cidr),
      clusterCIDRs: network.clusterCIDRs,
      nodePorts: network.nodePorts,
      nodes,
      caCertificate: certificates.authority.certificate,
      signer: createSigner(certificates.authority, time.wall),
      mayRequest,
      issueToken: (account, secret) => tokens.issueForSecret(account, secret),
      kubernetesVersion: KUBERNETES_VERSION,
    },
  });
}

/** Asks as a SubjectAccessReview would. */
const mayRequest: ControllerOptions['mayRequest'] = async (requester, subresource) => {
  const { username: name = '', uid, groups = [], extra } = requester;
  const { decision } = await AUTHORIZER.authorize({
    user: { name, uid, groups, extra },
    verb: 'create',
    isResourceRequest: true,
    apiGroup: 'certificates.k8s.io',
    apiVersion: '*',
    namespace: '',
    resource: 'certificatesigningrequests',
    subresource,
    name: '',
    path: '',
  });
  return decision === 'allow';
};

/** The scheduler, if there is one. Throws when its configuration is wrong. */
export function schedulersOf(scheduler: ClusterOptions['scheduler']): readonly ControllerDefinition[] {
  if (scheduler === false) return [];
  if (scheduler === undefined || scheduler === true) return [schedulerController];
  return [newSchedulerController(readSettings(scheduler))];
}

function readSettings(given: SchedulerConfiguration | string): SchedulerSettings {
  if (typeof given !== 'string') return schedulerSettings(given);
  const { value, duplicates } = parseYAML(given);
  return schedulerSettings(value, duplicates);
}
