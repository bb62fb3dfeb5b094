/** The tables of devices and of the trail in memory, a clock that a test moves, and a network that may lose an answer. */
import type { Command } from '../../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import type { Entry } from '../../core/log.ts';
import { createDynamo, type Dynamo } from '../sim/dynamo/dynamo.ts';

export type Answer = Record<string, unknown>;
/** What lies between a sender and the table. */
export type Network = (send: (command: Command) => Promise<Answer>, command: Command) => Promise<Answer>;

/** The next calls are done, or not, and nobody hears of those that are `true`. */
export const losing =
  (lost: boolean[]): Network =>
  async (send, command) => {
    const answer = await send(command);
    if (lost.shift()) throw new Error('socket hang up');
    return answer;
  };

export type Rows = { deps: Deps; dynamo: Dynamo; log: Entry[]; clock: { ms: number }; meter: { write: number } };

export const createRows = (network: Network = (send, command) => send(command)): Rows => {
  const dynamo = createDynamo([{ name: 'memory-devices' }, { name: 'memory-trail' }]);
  const log: Entry[] = [];
  const clock = { ms: Date.parse('2026-01-01T00:00:00.000Z') };
  const meter = { read: 0, write: 0 };
  const deps = makeDeps(meter, {
    ...ports,
    send: (command) => network(async (each) => dynamo.send(each), command),
    now: () => new Date(clock.ms),
    random: { id: () => 'id', unit: () => 0 },
    sleep: async () => undefined,
    log: (entry) => void log.push(entry),
  });
  return { deps, dynamo, log, clock, meter };
};
