/** Deployments from nothing to every replica available, in this process, with everything that takes part. */
import type { Finding, Row } from '../harness/finding.ts';
import {
  bareWritesIn,
  bareWritesMs,
  deploy,
  keptIn,
  measured,
  startQuietly,
  type Place,
} from '../harness/in-process.ts';

interface Rollout {
  readonly pods: number;
  readonly nodes: number;
  readonly place: Place;
  readonly msPerPod: number;
  readonly writesPerPod: number;
  readonly bareMsPerPod: number;
}

function rollout(pods: number, nodes: number, place: Place = 'memory'): Promise<Rollout> {
  return keptIn(place, async (options) => {
    const cluster = await startQuietly({ nodes, ...options });
    try {
      const { ms, writes } = await measured(cluster, () => deploy(cluster, pods));
      const bareMs = await bareWritesMs(writes, place);
      return {
        pods,
        nodes,
        place,
        msPerPod: ms / pods,
        writesPerPod: writes / pods,
        bareMsPerPod: bareMs / pods,
      };
    } finally {
      await cluster.stop();
    }
  });
}

function findingsOf({ pods, nodes, place, msPerPod, writesPerPod, bareMsPerPod }: Rollout): Finding[] {
  const subject = `a deployment of ${pods} replicas on ${nodes} nodes, until all are available`;
  const details = { msPerPod, writesPerPod, usBareWrite: (bareMsPerPod * 1000) / writesPerPod };
  return [
    {
      row: 'rollout',
      what: `store writes per pod, events included: ${subject}`,
      value: writesPerPod,
      unit: 'times',
      target: 14,
      better: 'lower',
      details,
    },
    {
      row: 'rollout',
      what: `elapsed, against ${bareWritesIn(place)}: ${subject}`,
      value: msPerPod / bareMsPerPod,
      unit: 'times',
      target: 2.5,
      better: 'lower',
      details,
    },
  ];
}

/** What is compiled by the first rollout is not measured. */
const warmUp = (): Promise<Rollout> => rollout(200, 10);

export const deploymentRow: Row = {
  name: 'deployment',
  run: async (): Promise<Finding[]> => {
    await warmUp();
    return [...findingsOf(await rollout(1000, 100)), ...findingsOf(await rollout(1000, 100, 'disk'))];
  },
};

export const deploymentLargeRow: Row = {
  name: 'deployment-large',
  isOnRequest: true,
  run: async (): Promise<Finding[]> => {
    await warmUp();
    const small = await rollout(1000, 100);
    const large = await rollout(10_000, 1000);
    return [
      ...findingsOf(large),
      ...findingsOf(await rollout(10_000, 1000, 'disk')),
      {
        row: 'rollout',
        what: 'cost of a pod among 10,000 on 1,000 nodes against one among 1,000 on 100',
        value: large.msPerPod / small.msPerPod,
        unit: 'times',
        target: 1.3,
        better: 'lower',
        details: { msAt1000: small.msPerPod, msAt10000: large.msPerPod },
      },
    ];
  },
};
