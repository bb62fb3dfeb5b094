/**
 * DynamoDB Streams into functions, by the rules of Lambda's mapping (those of `local/triggers/batch.ts`), but hostile:
 * order holds for one item only, batches come again, records are late, and some are forgotten.
 */
import { createHash } from 'node:crypto';
import type { StreamMapping } from '../../local/model.ts';
import { functionArn } from '../../local/template/interpret.ts';
import { deliver } from '../../local/triggers/batch.ts';
import { type StreamRecord, toStreamRecord } from '../../local/triggers/records.ts';
import type { Cloud } from './cloud.ts';
import type { Dynamo, Write } from './dynamo/dynamo.ts';
import { recordOf } from './dynamo/record.ts';
import type { Faults } from './faults.ts';
import type { Functions } from './functions.ts';
import type { Dice } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Loaded } from './template.ts';

export type Streams = {
  /** Records that wait to be read. */
  waiting: () => number;
};
type Needs = {
  loaded: Loaded;
  tenants: ReadonlySet<string>;
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  functions: Functions;
  dynamo: Dynamo;
  objects: Cloud['objects'];
  trace: (line: string) => void;
  restoring: Cloud['restoring'];
};

/** More shards than AWS would have, for more disorder: an item's records stay in one. */
const SHARDS = 3;
const BATCH = 6;
const SILENT_MS = 60_000;
const AGAIN_MS = 30_000;
const shardOf = ({ pk, sk }: Write): number => createHash('sha256').update(`${pk}|${sk}`).digest().readUInt8() % SHARDS;

const tenantsOf = (records: StreamRecord[]): ReadonlySet<string> =>
  new Set(records.map(({ dynamodb }) => String((dynamodb.Keys.pk as { S?: string }).S).split('#', 1)[0] ?? ''));

/** One shard of one mapping. @returns takes a record */
const createShard = (needs: Needs, mapping: StreamMapping, shard: number) => {
  const { scheduler, dice, faults, functions, objects } = needs;
  const waiting: StreamRecord[] = [];
  let reading = false;
  let batches = 0;

  const keep = (name: string, records: StreamRecord[]): void => {
    const requestContext = {
      functionArn: functionArn(mapping.functionId),
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 6,
    };
    const text = JSON.stringify({ requestContext, payload: JSON.stringify({ Records: records }) });
    objects.set(`aws/lambda/${name.replaceAll(' ', '/')}`, { text, modified: new Date(scheduler.now()) });
  };
  const run = async (name: string, records: StreamRecord[]): Promise<void> => {
    let tries = 0;
    await deliver(records, mapping, {
      invoke: async (part) => {
        const ended = await functions.spawn(
          mapping.functionId,
          { Records: part },
          { name: `${name} try ${++tries}`, tenants: tenantsOf(part) },
        );
        if (ended.how === 'answered') return ended.result;
        throw new Error('injected: the function failed');
      },
      giveUp: async (part) => keep(`${name} given up ${++tries}`, part),
      checkpoint: () => undefined,
      pause: (retry) => scheduler.wait(100 * 2 ** retry, `${name} waits`),
      failed: () => undefined,
      stopping: () => false,
      now: scheduler.now,
    });
    if (faults.decide(`${name} done`, ['redelivered']))
      scheduler.after(dice.below(AGAIN_MS), {
        what: `${name} comes again`,
        run: () => void run(`${name} again`, records),
      });
  };
  const read = async (): Promise<void> => {
    while (waiting.length > 0) {
      const name = `${mapping.id} shard ${shard} batch ${++batches}`;
      if (faults.decide(name, ['silent'])) await scheduler.wait(dice.below(SILENT_MS), `${name} is silent`);
      await run(name, waiting.splice(0, 1 + dice.below(BATCH)));
    }
    reading = false;
  };
  return {
    waiting: () => waiting.length + (reading ? 1 : 0),
    take: (record: StreamRecord): void => {
      waiting.push(record);
      if (reading) return;
      reading = true;
      scheduler.soon({ what: `${mapping.id} shard ${shard} is read`, run: () => void read() });
    },
  };
};

export const createStreams = (needs: Needs): Streams => {
  const { loaded, tenants, scheduler, faults, dynamo, restoring } = needs;
  const { model, filters } = loaded;
  const mappings = model.streams.map((mapping) => ({
    mapping,
    accepts: filters.get(mapping.id),
    table: model.tables[mapping.tableId],
    shards: Array.from({ length: SHARDS }, (_, shard) => createShard(needs, mapping, shard)),
  }));
  dynamo.onWrite((write) => {
    if (restoring.now || !tenants.has(write.pk.split('#', 1)[0] ?? '')) return;
    for (const { mapping, accepts, table, shards } of mappings) {
      if (!table?.streamView || table.name !== write.table) continue;
      const raw = recordOf(write, { name: table.name, streamView: table.streamView }, scheduler.now() / 1000);
      const record = toStreamRecord(raw, `arn:aws:dynamodb:::table/${table.name}/stream/1`);
      if (!record || !accepts?.(record)) continue;
      if (faults.decide(`${mapping.id} record ${write.pk}|${write.sk} ${raw.dynamodb.SequenceNumber}`, ['forgotten']))
        continue;
      shards[shardOf(write)]?.take(record);
    }
  });
  return {
    waiting: () => mappings.reduce((sum, { shards }) => sum + shards.reduce((n, shard) => n + shard.waiting(), 0), 0),
  };
};
