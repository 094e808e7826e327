/** Runs the client-library suites of README.md, each against a kubemu of its own. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { control } from './control.ts';
import { startKubemu, temporaryFolder, type RunningKubemu } from '../kubectl/harness.ts';
import { buildSuite, missingProgram, SUITES, type Suite } from './suites.ts';

const README = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
const SCENARIOS = [...README.matchAll(/^\d+\. \*\*([a-z-]+)\*\*:/gm)].map((match) => match[1]!);
const NAMESPACE = 'contract';
const TIMEOUT_MS = 600_000;

/** Whether the table of README.md says that the suite cannot do the scenario. */
function isExcused(suite: string, scenario: string): boolean {
  return README.split('\n').some((line) => line.startsWith(`| ${suite} | ${scenario} |`));
}

/** Restarts and compacts the server when the suite asks for it. */
async function serveControl(actions: Readonly<Record<string, () => Promise<void>>>): Promise<Server> {
  const server = createServer((request, response) => {
    const action = actions[(request.url ?? '').slice(1)];
    if (action === undefined || request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    action().then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Runs the program of a suite; its verdict on each scenario: `PASS`, `SKIP: why`, `FAIL: why`. */
async function verdicts(
  suite: Suite,
): Promise<{ readonly lines: Map<string, string>; readonly output: string }> {
  const home = temporaryFolder();
  const start = ['--data-dir', join(home.path, 'data')];
  let kubemu: RunningKubemu = await startKubemu(start);
  const server = await serveControl({
    restart: async () => {
      const { port } = new URL(kubemu.url);
      await kubemu.stop();
      kubemu = await startKubemu([...start, '--port', port]);
    },
    compact: () => control(kubemu, 'POST', '/_kubemu/compact'),
  });
  await control(kubemu, 'POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  const lines = new Map<string, string>();
  const output: string[] = [];
  try {
    const [command = '', ...args] = suite.run;
    const child = spawn(command, args, {
      cwd: suite.folder,
      env: {
        ...process.env,
        ...suite.env,
        KUBECONFIG: kubemu.kubeconfig,
        KUBEMU_CONTROL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        KUBEMU_POD: join(import.meta.dirname, 'maximal-pod.json'),
        KUBEMU_NAMESPACE: NAMESPACE,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        const [, verdict, scenario, why = ''] = /^(PASS|FAIL|SKIP) ([a-z-]+)(?:: (.*))?$/.exec(line) ?? [];
        if (scenario !== undefined) lines.set(scenario, verdict === 'PASS' ? 'PASS' : `${verdict}: ${why}`);
      });
    }
    await new Promise<void>((resolve, reject) => child.once('close', resolve).once('error', reject));
  } finally {
    server.close();
    await kubemu.stop();
    home.remove();
  }
  return { lines, output: output.slice(-40).join('\n') };
}

it('there are scenarios', () => expect(SCENARIOS.length).toBeGreaterThanOrEqual(14));

describe.each(SUITES.map((suite) => [suite.name, suite] as const))('%s', (name, suite) => {
  const missing = missingProgram(suite);
  let results: Awaited<ReturnType<typeof verdicts>>;

  beforeAll(async () => {
    if (missing !== undefined) {
      if (process.env.CI === 'true') throw new Error(`${missing} is not on PATH`);
      return;
    }
    await buildSuite(suite);
    results = await verdicts(suite);
  }, TIMEOUT_MS);

  it.each(SCENARIOS)('%s', (scenario) => {
    const verdict = results.lines.get(scenario) ?? `no verdict\n${results.output}`;
    if (verdict.startsWith('SKIP') && isExcused(name, scenario)) return;
    expect(verdict).toBe('PASS');
  });
});
