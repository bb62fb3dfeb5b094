/**
 * `npm run bench`: how fast a message travels, how many, how quickly the system starts and what memory it takes; the raw
 * limits beside them, from the same run. The system is a process of its own; this one is its clients. `--json` prints an
 * array of {name, value, unit, limit?, ratio?}. `npm run bench -- push` measures the pushes only, `-- purchases` the
 * verification of purchases.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gather } from './crowd.ts';
import { deckRows } from './deck.ts';
import { probeEcho, probePut } from './limits.ts';
import { asFastAsPossible, atRate, type Limits, type Paced } from './load.ts';
import { memory } from './memory.ts';
import { engineEndpoint, freePort, startChorus } from './process.ts';
import { purchaseRows } from './purchases.ts';
import { pushRows } from './push.ts';
import { starts } from './startup.ts';
import { percentile, round, table } from './stats.ts';
import { stormRows } from './storm.ts';

export type Row = { name: string; value: number; unit: string; limit?: number; ratio?: number };

/** Messages a second, and how many of them. */
const RATES = [
  [1, 40],
  [20, 300],
  [50, 750],
] as const;
const WARM_UP = { rate: 40, count: 400 };
const MEGABYTE = 1024 * 1024;

const row = (name: string, value: number, unit: string, limit?: number): Row => ({
  ...{ name, value: round(value), unit },
  ...(limit !== undefined && { limit: round(limit), ratio: round(value / limit) }),
});

const pacedRows = (rate: number, { samples, puts, echoes, framesPerMessage }: Paced): Row[] => {
  const toSocket = samples.map((sample) => sample.toSocket);
  const toAnswer = samples.map((sample) => sample.toAnswer);
  const at = `${rate}ps`;
  return [
    row(`send-to-socket-p50-${at}`, percentile(toSocket, 50), 'ms', percentile(puts, 50)),
    row(`send-to-socket-p99-${at}`, percentile(toSocket, 99), 'ms', percentile(puts, 99)),
    row(`send-to-answer-p50-${at}`, percentile(toAnswer, 50), 'ms', percentile(puts, 50)),
    row(`frames-per-message-${at}`, framesPerMessage, ''),
    row(`limit-put-item-p50-${at}`, percentile(puts, 50), 'ms'),
    row(`limit-put-item-p99-${at}`, percentile(puts, 99), 'ms'),
    row(`limit-ws-echo-p50-${at}`, percentile(echoes, 50), 'ms'),
    row(`limit-ws-echo-p99-${at}`, percentile(echoes, 99), 'ms'),
  ];
};

const messageRows = async (limits: Limits, crowd: Awaited<ReturnType<typeof gather>>): Promise<Row[]> => {
  await atRate(crowd, limits, WARM_UP.rate, WARM_UP.count);
  const rows: Row[] = [];
  const puts: number[] = [];
  for (const [rate, count] of RATES) {
    const paced = await atRate(crowd, limits, rate, count);
    puts.push(...paced.puts);
    rows.push(...pacedRows(rate, paced));
  }
  const most = await asFastAsPossible(crowd, limits, 3);
  return [
    ...rows,
    row('limit-put-item-p50', percentile(puts, 50), 'ms'),
    row('closed-loop-16-senders-100-receivers', most.messages, 'messages/s', most.puts),
    row('limit-put-item-16-at-once', most.puts, 'puts/s'),
  ];
};

/** What is measured on one running system. */
const runMessages = async (): Promise<Row[]> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-bench-'));
  const chorus = startChorus({ data, port: await freePort() });
  try {
    return await chorus.during(async () => {
      await chorus.answered();
      const limits = { put: await probePut(engineEndpoint(data)), echo: await probeEcho() };
      const crowd = await gather(chorus);
      const rows = await messageRows(limits, crowd);
      await crowd.close();
      limits.put.close();
      limits.echo.close();
      return rows;
    });
  } finally {
    await chorus.stop();
    rmSync(data, { recursive: true, force: true });
  }
};

const otherRows = async (): Promise<Row[]> => {
  const { first, cached, cachedWithoutNpm } = await starts();
  const { atRest, engine, perConnection } = await memory();
  return [
    row('start-nothing-cached', first, 'ms'),
    row('start-template-cached', cached, 'ms'),
    row('start-template-cached-without-npm', cachedWithoutNpm, 'ms'),
    row('memory-at-rest', atRest / MEGABYTE, 'MB'),
    row('memory-at-rest-engine', engine / MEGABYTE, 'MB'),
    row('memory-per-idle-connection', perConnection / 1024, 'KB'),
  ];
};

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const parts: Record<string, () => Promise<Row[]>> = {
  messages: async () => [...(await runMessages()), ...(await otherRows())],
  push: pushRows,
  purchases: purchaseRows,
  matching: async () => [...(await deckRows()), ...(await stormRows())],
};
const asked = Object.entries(parts).filter(([part]) => positionals.length === 0 || positionals.includes(part));
const rows: Row[] = [];
for (const [, measure] of asked) rows.push(...(await measure()));
const header = ['name', 'value', 'unit', 'limit', 'ratio'];
const text = values.json
  ? JSON.stringify(rows, null, 1)
  : table(
      header,
      rows.map(({ name, value, unit, limit, ratio }) => [name, value, unit, limit, ratio]),
    );
process.stdout.write(`${text}\n`);
