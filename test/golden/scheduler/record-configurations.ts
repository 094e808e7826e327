/**
 * Writes configurations.json: what a real kube-scheduler says of each configuration.
 * `KUBE_SCHEDULER=path/to/kube-scheduler node --import tsx test/golden/scheduler/record-configurations.ts`, once per release.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIGURATION_CASES, configurationText, type ConfigurationCase } from './configuration-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubemu-scheduler-'));
const kubeconfig = join(folder, 'kubeconfig');
// Nobody listens there: what is wrong is told before anybody is called.
const server = 'http://127.0.0.1:9';
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user: {} }],
    'current-context': 'c',
  }),
);

const outcomes: { name: string; error: string | null }[] = [];
for (const each of CONFIGURATION_CASES) outcomes.push({ name: each.name, error: await errorOf(each) });
writeFileSync(join(import.meta.dirname, 'configurations.json'), `${JSON.stringify(outcomes, null, 2)}\n`);
rmSync(folder, { recursive: true });

/** Null when the scheduler starts with it. */
function errorOf(each: ConfigurationCase): Promise<string | null> {
  const file = join(folder, 'configuration.yaml');
  const connection =
    each.body?.includes('clientConnection') === false ? `clientConnection: {kubeconfig: ${kubeconfig}}\n` : '';
  const election = each.body?.includes('leaderElection') === false ? 'leaderElection: {leaderElect: false}\n' : '';
  writeFileSync(file, `${configurationText(each)}${each.whole === undefined ? connection + election : ''}`);
  return new Promise((resolve) => {
    const scheduler = spawn(process.env['KUBE_SCHEDULER'] ?? 'kube-scheduler', ['--config', file, '--secure-port=0', '-v=2']);
    let text = '';
    scheduler.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('"Starting Kubernetes Scheduler"')) scheduler.kill();
    });
    scheduler.on('close', () => resolve(readError(text)));
  });
}

/** How a scheduler ends that was stopped while it ran. */
const STOPPED = 'finished without leader elect';

/** klog quotes errors of one line, and puts longer ones between `<` and ` >`. */
function readError(log: string): string | null {
  const oneLine = /"command failed" err=("(?:[^"\\]|\\.)*")/.exec(log);
  if (oneLine !== null) {
    const error = JSON.parse(oneLine[1]!) as string;
    return error === STOPPED ? null : error;
  }
  const lines = /"command failed" err=<\n([^]*?)\n >/.exec(log);
  return lines === null ? null : lines[1]!.replaceAll(/^\t/gm, '');
}
