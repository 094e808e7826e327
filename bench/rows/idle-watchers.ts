/** What a watcher occupies that nothing happens to, on HTTP/2 connections with 250 streams each, as client-go has them. */
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Finding } from '../harness/finding.ts';
import { settle } from '../harness/measure.ts';
import { PODS_PATH } from '../harness/pods.ts';
import { startKubemu, type ServerProcess } from '../harness/process.ts';

const WATCHERS = 4000;
const STREAMS_PER_CONNECTION = 250;

function openSessions({ endpoint }: ServerProcess, count: number): ClientHttp2Session[] {
  const { ca, cert, key } = endpoint.tls!;
  return Array.from({ length: count }, () =>
    connect(`https://127.0.0.1:${endpoint.port}`, { ca, cert, key }),
  );
}

async function watch(session: ClientHttp2Session): Promise<ClientHttp2Stream> {
  const stream = session.request({ ':path': `${PODS_PATH}?watch=1&resourceVersion=1` });
  await new Promise<void>((resolve, reject) => {
    stream.once('response', () => resolve());
    stream.once('error', reject);
  });
  stream.resume();
  return stream;
}

/** Opens watchers twice, so that what is allocated once is not counted. */
export async function idleWatchers(residentMB: (pid: number) => number): Promise<Finding> {
  const kubemu = await startKubemu();
  const sessions = openSessions(kubemu, (WATCHERS * 2) / STREAMS_PER_CONNECTION);
  const open = async (from: number): Promise<number> => {
    for (const session of sessions.slice(from, from + WATCHERS / STREAMS_PER_CONNECTION)) {
      await Promise.all(Array.from({ length: STREAMS_PER_CONNECTION }, () => watch(session)));
    }
    await settle(2000);
    return residentMB(kubemu.pid);
  };
  const first = await open(0);
  const second = await open(WATCHERS / STREAMS_PER_CONNECTION);
  for (const session of sessions) session.destroy();
  await kubemu.stop();
  return {
    row: 'fan-out',
    what: `resident per idle watcher, ${STREAMS_PER_CONNECTION} HTTP/2 streams on a connection`,
    value: ((second - first) * 1000) / WATCHERS,
    unit: 'KB',
    target: 20,
    better: 'lower',
    details: { residentMB: second, watchers: WATCHERS * 2 },
  };
}
