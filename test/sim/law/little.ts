/**
 * A little Chorus in one place: the real command loop, delivery and handlers on a database in memory. Whoever changes
 * something may die right after its put; then the streams' records, in order, do what is left to do.
 */
import type { Command } from '../../../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../../../core/deps.ts';
import type { Actor, DeviceId } from '../../../core/ids.ts';
import { handler as reactions } from '../../../functions/reactions.stream.ts';
import { claimConnection } from '../../../functions/sync/connections.ts';
import { handler as deliver } from '../../../functions/sync/deliver.stream.ts';
import { handler as registers } from '../../../functions/sync/registers.stream.ts';
import { toStreamRecord } from '../../../local/triggers/records.ts';
import { events, inbox, specs, transactions } from '../../memory.ts';
import { createDynamo, type Dynamo, type Write } from '../dynamo/dynamo.ts';
import { recordOf } from '../dynamo/record.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const FOR_EVER = 4_000_000_000;

/** Takes a frame. @throws when it is lost on its way */
type Hear = (frame: string) => void;

export type Little = {
  dynamo: Dynamo;
  deps: () => Deps;
  /** Does a function die here? */
  dies: () => boolean;
  /** Opens a device's socket. @returns the connection's id */
  connect: (actor: Actor, device: DeviceId, hear: Hear) => Promise<string>;
  /** Lets the streams' functions do so many records; all that there are, and what follows from them, if not said. */
  stream: (records?: number) => Promise<void>;
};

const invoke = async ({ table, ...write }: Write): Promise<void> => {
  const spec = specs.find(({ name }) => name === table);
  const isCommit = table === events.name && write.sk.startsWith('v#') && !write.before;
  if (!spec?.streamView || table === transactions.name || (table === events.name && !isCommit)) return;
  const record = toStreamRecord(recordOf({ table, ...write }, spec, START / 1000), `arn:law:${table}`);
  const batch = { Records: record ? [record] : [] } as Parameters<typeof deliver>[0];
  const context = { functionName: 'law' } as Parameters<typeof deliver>[1];
  for (const handler of isCommit ? [deliver, reactions] : [registers]) {
    const { batchItemFailures } = await handler(batch, context);
    if (batchItemFailures.length > 0) throw new Error(`${table} ${write.pk} ${write.sk}: not done`);
  }
};

/** Stale for a read that allows it, and cut short where a page could be as large as 1 MB, as the dice say. */
const send =
  (dynamo: Dynamo, dice: (below: number) => number) =>
  async (command: Command): Promise<Record<string, unknown>> => {
    const isLarge = 'TableName' in command.input && [events.name, inbox.name].includes(command.input.TableName ?? '');
    return dynamo.send(command, dice(4) === 0 ? { lag: dice(6), ...(isLarge ? { cut: 1 + dice(30) } : {}) } : {});
  };

const createSockets = () => {
  const open = new Map<string, Hear>();
  const post = async (id: string, frame: string): Promise<'sent' | 'gone'> => {
    open.get(id)?.(frame);
    return open.has(id) ? 'sent' : 'gone';
  };
  return { open, sockets: { post, close: async (id: string) => void open.delete(id) } };
};

/** Buckets in which nothing lies. */
const nothing: Deps['bucket'] = {
  put: async () => undefined,
  get: async () => undefined,
  remove: async () => undefined,
  list: async () => ({ objects: [], more: false }),
};

/** The doors of the product open here, for the newest little Chorus. */
const openDoors = (dynamo: Dynamo, dice: (below: number) => number) => {
  const { open, sockets } = createSockets();
  let ids = 0;
  const clock = { ms: START };
  const id = (): string => `id-${++ids}`;
  const now = (): Date => {
    clock.ms += 1;
    return new Date(clock.ms);
  };
  Object.assign(ports, {
    ...{ sockets, now, send: send(dynamo, dice) },
    enqueue: async () => undefined,
    ...{ bucket: nothing, exported: nothing },
    random: { id, unit: () => dice(1000) / 1000 },
    // Nothing waits; what races against a deadline wins.
    sleep: async (ms) => (ms < 1000 ? undefined : new Promise(() => undefined)),
    log: () => undefined,
  } satisfies Partial<typeof ports>);
  return { open, id };
};

/** Only one at a time. @param dice a number from 0, below the one that it is asked for */
export const createLittle = (dice: (below: number) => number): Little => {
  const dynamo = createDynamo(specs);
  const pending: Write[] = [];
  dynamo.onWrite((write) => pending.push(write));
  const { open, id } = openDoors(dynamo, dice);
  const deps = (): Deps => makeDeps({ read: 0, write: 0 });
  return {
    ...{ dynamo, deps },
    dies: () => dice(3) === 0,
    connect: async ({ tenant, user }, device, hear) => {
      const connection = id();
      open.set(connection, hear);
      await claimConnection(deps(), { tenant, user, device, expires: FOR_EVER }, connection);
      return connection;
    },
    stream: async (records = Number.MAX_SAFE_INTEGER) => {
      for (let done = 0; done < records && pending.length > 0; done++) {
        const write = pending.shift();
        if (write) await invoke(write);
      }
    },
  };
};
