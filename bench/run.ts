/**
 * Speed, as ratios against raw baselines measured in the same run. Prints a table to standard error and JSON to standard
 * output. `--only NAME[,NAME]` runs some rows. How to read it: docs/reference/performance.md.
 */
import { cpus, totalmem } from 'node:os';
import { isReached, round, type Finding, type Row } from './harness/finding.ts';
import { now } from './harness/measure.ts';
import { applyRow } from './rows/apply.ts';
import { createRow } from './rows/create.ts';
import { deploymentLargeRow, deploymentRow } from './rows/deployment.ts';
import { documentsRow } from './rows/documents.ts';
import { eventCostRow } from './rows/event-cost.ts';
import { fanOutRow } from './rows/fan-out.ts';
import { forkRow } from './rows/fork.ts';
import { getRow } from './rows/get.ts';
import { idleRow } from './rows/idle.ts';
import { largeRow } from './rows/large.ts';
import { listRow } from './rows/list.ts';
import { namespaceRow } from './rows/namespace.ts';
import { podCodeRow } from './rows/pod-code.ts';
import { runningRow } from './rows/running.ts';
import { schedulerRow } from './rows/scheduler.ts';
import { startRow } from './rows/start.ts';
import { storeWritesRow } from './rows/store-writes.ts';
import { tableRow } from './rows/table.ts';

const ROWS: readonly Row[] = [
  createRow,
  applyRow,
  storeWritesRow,
  getRow,
  listRow,
  fanOutRow,
  forkRow,
  largeRow,
  schedulerRow,
  deploymentRow,
  deploymentLargeRow,
  runningRow,
  idleRow,
  namespaceRow,
  eventCostRow,
  startRow,
  podCodeRow,
  tableRow,
  documentsRow,
];

function chosenRows(): readonly Row[] {
  const [flag, names = ''] = process.argv.slice(2);
  if (flag === undefined) return ROWS.filter(({ isOnRequest }) => isOnRequest !== true);
  const known = ROWS.map(({ name }) => name);
  const unknown = names.split(',').find((name) => !known.includes(name));
  if (flag !== '--only' || unknown !== undefined) {
    process.stderr.write(`usage: npm run bench [-- --only NAME[,NAME]], of ${known.join(', ')}\n`);
    process.exit(2);
  }
  return ROWS.filter(({ name }) => names.split(',').includes(name));
}

function show(finding: Finding): string {
  const { row, what, value, unit, target, better } = finding;
  const mark = `${better === 'higher' ? '>=' : '<='} ${target}`;
  const details = Object.entries(finding.details)
    .map(([name, detail]) => `${name} ${typeof detail === 'number' ? round(detail) : detail}`)
    .join(', ');
  const verdict = isReached(finding) ? 'reached' : 'NOT REACHED';
  const figure = `${round(value)} ${unit === 'ratio' ? '' : unit}`.trim();
  return `${row.padEnd(9)} ${figure.padStart(10)}  ${mark.padEnd(8)} ${verdict.padEnd(12)} ${what}\n${' '.repeat(22)}${details}\n`;
}

const machine = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cpus: cpus().length,
  memoryGB: round(totalmem() / 1e9),
};
process.stderr.write(`${Object.values(machine).join(', ')}\n`);
const began = now();
const findings: Finding[] = [];
for (const row of chosenRows()) {
  for (const finding of await row.run()) {
    findings.push(finding);
    process.stderr.write(show(finding));
  }
}
const report = {
  machine,
  seconds: round((now() - began) / 1000),
  findings: findings.map((finding) => ({ ...finding, reached: isReached(finding) })),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
