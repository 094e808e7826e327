/** Devices of simulated nodes as kubectl shows and drives them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newestKubectl, openSession, type Session } from './session.ts';

const TEMPLATE = `apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata:
  name: gpu
spec:
  selectors:
  - cel:
      expression: device.driver == "gpu.example.com"
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata:
  name: large-gpu
spec:
  spec:
    devices:
      requests:
      - name: gpu
        exactly:
          deviceClassName: gpu
          selectors:
          - cel:
              expression: >-
                device.attributes["gpu.example.com"].model == "a100" &&
                device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("40Gi"))
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: train
spec:
  replicas: 3
  selector:
    matchLabels:
      app: train
  template:
    metadata:
      labels:
        app: train
    spec:
      resourceClaims:
      - name: gpu
        resourceClaimTemplateName: large-gpu
      containers:
      - name: main
        image: nginx:1.25
        resources:
          claims:
          - name: gpu
`;

describe.skipIf(newestKubectl === undefined)('devices', () => {
  let kube: Session;
  const text = (command: string, stdin?: string): Promise<string> => kube.line(command, stdin);

  beforeAll(async () => {
    kube = await openSession(newestKubectl!, ['--nodes', '2']);
  });
  afterAll(() => kube.end());

  it('of annotated nodes go to the pods of a deployment, a claim each, and to the next when a pod goes', async () => {
    await text('annotate node node-1 devices.kubemu.io/gpu.example.com=2,model=a100,memory=80Gi');
    await text('annotate node node-2 devices.kubemu.io/gpu.example.com=4,model=t4,memory=16Gi');
    await text('create -f -', TEMPLATE);
    await text('wait deployment/train --for=jsonpath={.status.readyReplicas}=2 --timeout=60s');
    expect(await text('get resourceslices -o name')).toBe(
      'resourceslice.resource.k8s.io/node-1-gpu.example.com\nresourceslice.resource.k8s.io/node-2-gpu.example.com',
    );
    const states = (await text('get resourceclaims --no-headers'))
      .split('\n')
      .map((line) => line.split(/\s+/));
    expect(states.map(([name]) => name!)).toEqual(
      Array(3).fill(expect.stringMatching(/^train-.*-gpu-.{5}$/)),
    );
    expect(states.map(([, state]) => state!).toSorted()).toEqual([
      'allocated,reserved',
      'allocated,reserved',
      'pending',
    ]);
    const pending = await text('get pods --field-selector=status.phase=Pending -o name');
    expect(await text(`describe ${pending}`)).toMatch(
      /FailedScheduling .* 0\/2 nodes are available: 2 cannot allocate all claims\. still not schedulable, preemption: 0\/2 nodes are available: 2 Preemption is not helpful for scheduling\./,
    );
    const [running] = (await text('get pods --field-selector=status.phase=Running -o name')).split('\n');
    const claim = await text(
      `get ${running} -o jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}`,
    );
    expect(await text(`describe resourceclaim ${claim}`)).toMatch(
      /Allocation:[^]*Device:\s+device-\d\n\s+Driver:\s+gpu\.example\.com\n\s+Pool:\s+node-1[^]*Reserved For:\n\s+Name:\s+train-/,
    );
    await text('scale deployment/train --replicas=2');
    await text('wait deployment/train --for=jsonpath={.status.replicas}=2 --timeout=60s');
    await text(`delete ${running}`);
    await text('rollout status deployment/train --timeout=60s');
    await text(
      'wait resourceclaims --all --for=jsonpath={.status.allocation.devices.results[0].pool}=node-1',
    );
    await text('delete deployment/train --cascade=foreground --wait=true');
    await text('wait resourceclaims --all --for=delete --timeout=60s').catch(() => '');
    expect(await text('get resourceclaims -o name')).toBe('');
  });

  it('are refused to selectors that do not compile, with the place', async () => {
    const wrong = TEMPLATE.split('---')[0]!
      .replace('name: gpu', 'name: wrong')
      .replace('device.driver', 'device.drver');
    const { stderr } = await kube.run(['create', '-f', '-'], { stdin: wrong, code: 1 });
    expect(stderr).toContain(
      'The DeviceClass "wrong" is invalid: spec.selectors[0].cel.expression: Invalid value: "device.drver == \\"gpu.example.com\\"": compilation failed: ERROR: <input>:1:7: undefined field \'drver\'',
    );
  });
});
