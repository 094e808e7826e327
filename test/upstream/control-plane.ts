/** A kubemu with controllers and a scheduler: its own, or those of Kubernetes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startKubemu, temporaryFolder, type RunningKubemu } from '../kubectl/harness.ts';
import { Api } from './api.ts';
import { Mirror } from './mirror.ts';
import { kwokStages, Program } from './programs.ts';

/** Who reconciles. */
export type Controllers = 'embedded' | 'upstream';

/** Controllers of kubemu that stand in for drivers and clouds, which kube-controller-manager leaves to others. */
const STAND_INS = 'simulated-volume-provisioner,service-lb-controller';

/** Clients of Kubernetes hold themselves back by default; here they need not. */
const UNHURRIED = ['--kube-api-qps=2000', '--kube-api-burst=4000'];

export interface ControlPlaneOptions {
  /** Arguments of `kubemu start` besides those that choose the controllers. */
  readonly kubemu?: readonly string[];
  readonly controllerManager?: readonly string[];
  readonly scheduler?: readonly string[];
  /** KubeSchedulerConfiguration for whoever schedules. */
  readonly schedulerConfiguration?: object;
}

export class ControlPlane {
  readonly kubemu: RunningKubemu;
  readonly api: Api;
  readonly mirror = new Mirror();
  readonly programs: Program[] = [];
  readonly #folder: string;
  readonly #remove: () => void;

  private constructor(kubemu: RunningKubemu, folder: string, remove: () => void) {
    this.kubemu = kubemu;
    this.api = new Api(kubemu.kubeconfig);
    this.#folder = folder;
    this.#remove = remove;
  }

  static async start(controllers: Controllers, options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const folder = temporaryFolder();
    const off = controllers === 'upstream' ? [`--controllers=${STAND_INS}`, '--scheduler=off'] : [];
    const given = options.kubemu ?? [];
    const chosen = given.some((arg) => arg.startsWith('--controllers=')) ? [] : off;
    const { schedulerConfiguration } = options;
    const file = join(folder.path, 'scheduler.json');
    const own =
      controllers === 'embedded' && schedulerConfiguration !== undefined ? ['--scheduler-config', file] : [];
    if (schedulerConfiguration !== undefined) writeFileSync(file, JSON.stringify(schedulerConfiguration));
    const args = ['--data-dir', join(folder.path, 'data'), ...chosen, ...own, ...given];
    const plane = new ControlPlane(await startKubemu(args), folder.path, () => folder.remove());
    if (controllers === 'upstream') {
      await plane.startControllerManager(options.controllerManager);
      if (schedulerConfiguration !== undefined) {
        const clientConnection = { kubeconfig: plane.kubemu.kubeconfig, qps: 2000, burst: 4000 };
        writeFileSync(file, JSON.stringify({ ...schedulerConfiguration, clientConnection }));
      }
      const configured = schedulerConfiguration === undefined ? [] : [`--config=${file}`];
      plane.startScheduler([...configured, ...(options.scheduler ?? [])]);
    }
    await plane.mirror.follow(plane.api);
    return plane;
  }

  /** Starts a kube-controller-manager with every key that kubemu has for it. */
  async startControllerManager(args: readonly string[] = []): Promise<Program> {
    // The key for tokens is made when it is first asked for.
    await this.api.get('/openid/v1/jwks');
    const key = (name: string): string => join(this.#folder, 'data', 'pki', name);
    return this.#launch('kube-controller-manager', [
      ...this.#connection(),
      '--controllers=*',
      '--allocate-node-cidrs',
      '--cluster-cidr=10.244.0.0/16',
      '--kube-api-content-type=application/vnd.kubernetes.protobuf',
      `--root-ca-file=${key('ca.crt')}`,
      `--service-account-private-key-file=${key('sa.key')}`,
      `--cluster-signing-cert-file=${key('ca.crt')}`,
      `--cluster-signing-key-file=${key('ca.key')}`,
      `--flex-volume-plugin-dir=${join(this.#folder, 'flexvolume')}`,
      ...UNHURRIED,
      ...args,
    ]);
  }

  startScheduler(args: readonly string[] = []): Program {
    return this.#launch('kube-scheduler', [...this.#connection(), ...UNHURRIED, ...args]);
  }

  startKwok(args: readonly string[] = []): Program {
    const { kubeconfig } = this.kubemu;
    return this.#launch('kwok', [
      `--kubeconfig=${kubeconfig}`,
      '--manage-all-nodes=true',
      ...kwokStages(),
      ...args,
    ]);
  }

  /** Ends everything; rejects when kubemu fell over. */
  async stop(): Promise<void> {
    this.mirror.stop();
    for (const program of this.programs) await program.stop();
    this.api.close();
    const code = await this.kubemu.stop();
    this.#remove();
    if (code !== 0) throw new Error(`kubemu ended with ${code}: ${this.kubemu.errors()}`);
  }

  /** How programs of Kubernetes reach the cluster; they serve nothing themselves. */
  #connection(): string[] {
    const { kubeconfig } = this.kubemu;
    const roles = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'];
    return [...roles.map((role) => `--${role}=${kubeconfig}`), '--secure-port=0', '--leader-elect=true'];
  }

  #launch(name: Program['name'], args: readonly string[]): Program {
    const program = new Program(name, args);
    this.programs.push(program);
    return program;
  }
}
