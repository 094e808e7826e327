/**
 * Writes scenarios.json: where a real kube-scheduler puts the pod of each scenario, or why nowhere.
 * `KUBE_SCHEDULER=path/to/kube-scheduler node --import tsx test/golden/scheduler/record-scenarios.ts [first] [count] [file]`, once per
 * release.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ResourceType } from '../../../api/machinery/client.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import { startCluster } from '../../../server/index.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, pods, services, type Pod } from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { COMMON, makeScenario, type RecordedScenario, type Scenario, type ScenarioOutcome } from './scenarios.ts';
import { createObject } from './world.ts';

const [first = '0', count = '150', file = join(import.meta.dirname, 'scenarios.json')] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'kubemu-scenarios-'));
const cluster = await startCluster({
  nodes: 0,
  scheduler: false,
  controllers: [],
  disableAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition', 'DefaultTolerationSeconds', 'StorageObjectInUseProtection'],
});
const { client } = cluster;
for (const object of COMMON) await createObject(client, object);
const log = { text: '' };
const scheduler = startScheduler();
const recorded: RecordedScenario[] = [];
for (let i = Number(first); i < Number(first) + Number(count); i++) {
  const scenario = makeScenario(String(i));
  try {
    recorded.push({ ...scenario, outcome: await outcomeOf(scenario) });
  } catch (error) {
    process.stderr.write(`${i}: ${(error as Error).message}\n`);
  }
  await cleanUp();
}
writeFileSync(file, `[\n${recorded.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
scheduler.kill();
await cluster.stop();
rmSync(folder, { recursive: true });

function startScheduler(): ChildProcess {
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.kubeconfig);
  const command = process.env['KUBE_SCHEDULER'] ?? 'kube-scheduler';
  const args = ['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0', '-v=10'];
  const child = spawn(command, [...args, '--kube-api-qps=1000', '--kube-api-burst=1000']);
  child.stderr.on('data', (chunk: Buffer) => (log.text += chunk.toString()));
  return child;
}

async function outcomeOf({ objects, pod }: Scenario): Promise<ScenarioOutcome> {
  for (const object of objects) await createObject(client, object);
  // The scheduler's caches follow, each by its own watch.
  await wait(150);
  log.text = '';
  await createObject(client, pod);
  const decided = await untilDecided();
  if ((decided.spec.nodeName ?? '') !== '') {
    await wait(20);
    const scores = readScores(log.text);
    return { node: decided.spec.nodeName!, ...(Object.keys(scores).length === 0 ? {} : { scores }) };
  }
  const nominated = decided.status.nominatedNodeName;
  const condition = decided.status.conditions!.find(({ type }) => type === 'PodScheduled')!;
  await wait(nominated === undefined ? 0 : 150);
  const { items } = await client.list(pods, {});
  const victims = items
    .filter(({ status }) => status.conditions?.some(({ type }) => type === 'DisruptionTarget') === true)
    .map(({ metadata }) => metadata.name!);
  return {
    message: condition.message!,
    ...(nominated === undefined ? {} : { nominated, victims: victims.toSorted() }),
  };
}

async function untilDecided(): Promise<Pod> {
  for (let tries = 0; tries < 500; tries++) {
    const pod = await client.get(pods, { namespace: 'default', name: 'wanted' });
    const isRefused = pod.status.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False');
    if ((pod.spec.nodeName ?? '') !== '' || isRefused === true) return pod;
    // It has a node, and waits there for its volumes.
    if (pod.status.nominatedNodeName !== undefined)
      return { ...pod, spec: { ...pod.spec, nodeName: pod.status.nominatedNodeName } };
    await wait(10);
  }
  throw new Error('the scheduler does not decide');
}

function readScores(text: string): Record<string, Record<string, number>> {
  const scores: Record<string, Record<string, number>> = {};
  const line = /"Plugin scored node for pod" pod="default\/wanted" plugin="(\w+)" node="([^"]+)" score=(-?\d+)/g;
  for (const [, plugin, node, score] of text.matchAll(line)) (scores[node!] ??= {})[plugin!] = Number(score);
  return scores;
}

async function cleanUp(): Promise<void> {
  for (const { metadata } of (await client.list(pods, {})).items) {
    const place = { namespace: metadata.namespace, name: metadata.name! };
    await client.delete(pods, place, { gracePeriodSeconds: 0 });
  }
  await clear(services);
  await clear(podDisruptionBudgets);
  await clear(persistentVolumeClaims);
  await clear(persistentVolumes);
  await clear(nodes);
  await wait(50);
}

async function clear<T extends KubeObject>(type: ResourceType<T>): Promise<void> {
  for (const { metadata } of (await client.list(type, {})).items) {
    if (metadata.name !== 'kubernetes')
      await client.delete(type, { namespace: metadata.namespace, name: metadata.name! });
  }
}
