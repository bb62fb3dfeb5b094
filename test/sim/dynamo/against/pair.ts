/** Every command goes to the in-memory DynamoDB and to the embedded engine, and both must answer alike. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, type GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import type { Command, Send } from '../../../../core/ddb.ts';
import { startEngine } from '../../../../local/engine/engine.ts';
import { ensureTables } from '../../../../local/engine/tables.ts';
import type { TableModel } from '../../../../local/model.ts';
import { type RawRecord, toStreamRecord } from '../../../../local/triggers/records.ts';
import { createDynamo, type Dynamo, type TableSpec } from '../dynamo.ts';
import { recordOf } from '../record.ts';
import { readStream } from './stream.ts';

type Answer = Awaited<ReturnType<Send>>;
type Outcome = { answer: Answer } | { error: unknown };

export type Pair = {
  memory: Dynamo;
  /** Asks both, one command after the other, and answers as they do. */
  send: Send;
  /** Whoever sends may catch what is thrown, so differences are kept. @throws AssertionError for the first of them */
  expectAlike: () => void;
  /** What each says, for where they differ. */
  ask: (command: Command) => Promise<{ ours: object; theirs: object }>;
  /** The streams of a table, as what became of each item. */
  expectSameStream: (table: string) => Promise<void>;
  /** How many calls were compared. */
  calls: () => number;
  stop: () => Promise<void>;
};

const outcomeOf = async (call: () => Answer | Promise<Answer>): Promise<Outcome> => {
  try {
    return { answer: await call() };
  } catch (error) {
    return { error };
  }
};

type Thrown = { name?: string; Item?: object; CancellationReasons?: { Code?: string; Item?: object }[] };

/**
 * What must be alike: of an error all but its words; of an answer all but ScannedCount, which the engine counts one too
 * many of at the end of a page, and the parts of ConsumedCapacity, of which the product reads the sum.
 */
const essence = (outcome: Outcome): object => {
  if ('error' in outcome) {
    const { name, Item, CancellationReasons: reasons } = outcome.error as Thrown;
    return { name, Item, reasons: reasons?.map(({ Code, Item }) => ({ Code, Item })) };
  }
  const { ConsumedCapacity, ScannedCount: _count, $metadata: _meta, ...rest } = outcome.answer;
  const units = [ConsumedCapacity ?? []].flat().map(({ CapacityUnits }) => CapacityUnits);
  return { ...rest, units };
};

/** What became of each item, in order. */
const histories = (records: readonly RawRecord[]) =>
  Map.groupBy(
    records.map(({ eventName, dynamodb: { Keys, OldImage, NewImage } }) => ({ eventName, Keys, OldImage, NewImage })),
    ({ Keys }) => `${JSON.stringify(Keys.pk)} ${JSON.stringify(Keys.sk)}`,
  );

const keys: TableModel['keys'] = [
  { attribute: 'pk', role: 'HASH', type: 'S' },
  { attribute: 'sk', role: 'RANGE', type: 'S' },
];

/** The embedded engine in a folder of its own, and the client that everybody uses. */
const startOther = async (specs: readonly TableSpec[]) => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-'));
  const engine = await startEngine(data, {}, () => undefined);
  await ensureTables(engine.dynamo, {
    tables: Object.fromEntries(specs.map((each) => [each.name, { ...each, keys }])),
  });
  const client = new DynamoDBClient({
    ...{ endpoint: engine.endpoint, region: 'eu-west-1', maxAttempts: 1 },
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  return {
    // The client's overloads take one command at a time; every member of the union is one of them.
    send: async (command: Command): Promise<Answer> => ({ ...(await documents.send(command as GetCommand)) }),
    stream: (table: string) => readStream(engine.dynamo, table),
    stop: async () => {
      client.destroy();
      await engine.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
};

/** Both databases with these tables, empty. */
export const startPair = async (specs: readonly TableSpec[]): Promise<Pair> => {
  const other = await startOther(specs);
  const memory = createDynamo(specs);
  let calls = 0;
  const both = async (command: Command) => {
    calls++;
    const ours = await outcomeOf(() => memory.send(command));
    return { ours, theirs: await outcomeOf(() => other.send(command)) };
  };
  const differences: unknown[] = [];
  const compared = async (command: Command): Promise<Answer> => {
    const { ours, theirs } = await both(command);
    try {
      expect(essence(ours), JSON.stringify(command.input).slice(0, 2000)).toEqual(essence(theirs));
    } catch (difference) {
      differences.push(difference);
    }
    if ('error' in ours) throw ours.error;
    return ours.answer;
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    memory,
    expectAlike: () => {
      const [difference] = differences.splice(0);
      if (difference !== undefined) throw difference;
    },
    send: (command) => {
      const done = last.then(() => compared(command));
      last = done.catch(() => undefined);
      return done;
    },
    ask: async (command) => {
      const { ours, theirs } = await both(command);
      return { ours: essence(ours), theirs: essence(theirs) };
    },
    expectSameStream: async (table) => {
      const spec = specs.find(({ name }) => name === table) ?? { name: table };
      const ours = memory.writes.filter((write) => write.table === table).map((write) => recordOf(write, spec, 0));
      // The engine has records of writes that change nothing, too.
      const theirs = (await other.stream(table)).filter((record) => toStreamRecord(record, ''));
      expect(histories(ours)).toEqual(histories(theirs));
    },
    calls: () => calls,
    stop: other.stop,
  };
};
