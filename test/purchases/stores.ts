/** Tables in memory, a clock that a test moves, and what is logged, queued and parked. */
import type { Send } from '../../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import type { Entry as LogEntry } from '../../core/log.ts';
import { AskJob } from '../../functions/purchases/ask.ts';
import { bindEnvironment, specs, transactions } from '../memory.ts';
import { createDynamo } from '../sim/dynamo/dynamo.ts';

bindEnvironment();

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const openTables = (start = Date.parse('2026-06-01T00:00:00.000Z')) => {
  const dynamo = createDynamo(specs);
  const clock = { ms: start };
  const log: LogEntry[] = [];
  const queued: { job: AskJob; delay: number }[] = [];
  const parked: string[] = [];
  const door: { send: Send } = { send: async (command) => dynamo.send(command) };
  const deps: Deps = makeDeps(
    { read: 0, write: 0 },
    {
      ...ports,
      send: (command) => door.send(command),
      now: () => new Date(clock.ms),
      // Nothing waits; what races against a deadline wins.
      sleep: async (ms) => (ms < 1000 ? undefined : new Promise(() => undefined)),
      random: { id: () => `id-${Math.random()}`, unit: () => 0.5 },
      enqueue: async (_url, job, delay) => void queued.push({ job: AskJob.parse(job), delay }),
      bucket: { ...ports.bucket, put: async (key) => void parked.push(key) },
      log: (entry) => void log.push(entry),
    },
  );
  /** Every entry of the audit, as chain and id. */
  const kept = (): string[] =>
    dynamo
      .items(transactions.name)
      .filter(({ sk }) => String(sk).startsWith('n#'))
      .map(({ chain, id }) => `${chain} ${id}`)
      .sort();
  const said = (msg: string): LogEntry[] => log.filter((entry) => entry.msg === msg);
  return { dynamo, deps, clock, log, said, queued, parked, kept, door };
};
