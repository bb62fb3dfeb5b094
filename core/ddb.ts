/**
 * The one door to DynamoDB. Adds ReturnConsumedCapacity to every call and its units to the invocation's account;
 * sorts errors into those that mean "nothing was written" and those that don't tell.
 */
import { type AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  ExecuteTransactionCommand,
  GetCommand,
  type GetCommandInput,
  PutCommand,
  type PutCommandInput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { withDeadline } from './aws.ts';
import { insertion, isThere } from './insertion.ts';
import { backoff, type Random, type Sleep } from './retry.ts';

export type Item = Record<string, unknown>;
export type Meter = { read: number; write: number };
/** A condition that did not hold; `item` is what was there. */
export type Refused = { refused: true; item: Item | undefined };
/** Why one item of a transaction stood in its way. */
export type Reason = { code: string; item: Item | undefined };

type Capacity = { CapacityUnits?: number | undefined };
type Output = { ConsumedCapacity?: Capacity | Capacity[] | undefined } & Record<string, unknown>;
export type Command =
  | GetCommand
  | QueryCommand
  | PutCommand
  | UpdateCommand
  | TransactWriteCommand
  | ExecuteTransactionCommand;
/** The port: one call to the outside. */
export type Send = (command: Command) => Promise<Output>;

let client: DynamoDBDocumentClient | undefined;

/** The SDK makes one attempt: only we know which calls may be repeated. */
export const sendToDynamo: Send = async (command) => {
  client ??= DynamoDBDocumentClient.from(
    new DynamoDBClient({
      maxAttempts: 1,
      ...withDeadline(3000),
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
  // The client's overloads take one command at a time; every member of the union is one of them.
  return { ...(await client.send(command as GetCommand)) };
};

const named = (error: unknown): string => (error instanceof Error ? error.name : '');
const throttles = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'TransactionConflictException',
]);
const faults = new Set(['ValidationException', 'ResourceNotFoundException', 'AccessDeniedException']);

/** The database asks for patience; nothing was written. */
export const isThrottle = (error: unknown): boolean => throttles.has(named(error));
/** Did this error promise that nothing was written? All others leave the outcome open. */
export const isDefinite = (error: unknown): boolean => throttles.has(named(error)) || faults.has(named(error));
/** Is another try pointless? */
export const isFault = (error: unknown): boolean => faults.has(named(error));

type Raw = {
  Item?: Record<string, AttributeValue>;
  CancellationReasons?: { Code?: string; Item?: Record<string, AttributeValue> }[];
};
const plain = (item: Record<string, AttributeValue> | undefined): Item | undefined => item && unmarshall(item);

const refusal = (error: unknown): Refused | undefined =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException'
    ? { refused: true, item: plain((error as Raw).Item) }
    : undefined;

const cancellation = (error: unknown): Reason[] | undefined =>
  error instanceof Error && error.name === 'TransactionCanceledException'
    ? ((error as Raw).CancellationReasons ?? []).map(({ Code, Item }) => ({ code: Code ?? 'None', item: plain(Item) }))
    : undefined;

const ATTEMPTS = 4;
const total = { ReturnConsumedCapacity: 'TOTAL' } as const;
const withOld = { ...total, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

const createCaller = (send: Send, meter: Meter, random: Random, sleep: Sleep) => {
  const once = async (command: Command, kind: keyof Meter): Promise<Output> => {
    const output = await send(command);
    for (const each of [output.ConsumedCapacity ?? []].flat()) meter[kind] += each.CapacityUnits ?? 0;
    return output;
  };
  /** For calls that say the same however often they are made. */
  const repeated = async (make: () => Command, kind: keyof Meter): Promise<Output> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(make(), kind);
      } catch (error) {
        if (refusal(error) || isFault(error) || attempt === ATTEMPTS) throw error;
        await sleep(backoff(random, attempt));
      }
    }
  };
  /** A refused condition costs its write unit too, though the error doesn't say so. */
  const orRefused = async (call: () => Promise<Output>): Promise<Item | Refused> => {
    try {
      return ((await call()).Attributes ?? {}) as Item;
    } catch (error) {
      const refused = refusal(error);
      if (!refused) throw error;
      meter.write += 1;
      return refused;
    }
  };
  return { once, repeated, orRefused };
};

/** The first `limit` items, however many pages they come in: a page may end at any item. */
const pagesWith =
  ({ repeated }: Pick<ReturnType<typeof createCaller>, 'repeated'>) =>
  async (input: Omit<QueryCommandInput, 'Limit'>, limit: number): Promise<Item[]> => {
    const items: Item[] = [];
    let start = input.ExclusiveStartKey;
    do {
      const from = start ? { ExclusiveStartKey: start } : {};
      const page = { ...input, ...from, Limit: limit - items.length, ...total };
      const output = await repeated(() => new QueryCommand(page), 'read');
      items.push(...((output.Items ?? []) as Item[]));
      start = output.LastEvaluatedKey as Item | undefined;
    } while (start && items.length < limit);
    return items;
  };

/**
 * Inserts all of them or none, under a right that can overwrite nothing. One attempt.
 * @returns which of them are there already (at least one), or undefined when it was done
 */
const insertWith =
  ({ once }: Pick<ReturnType<typeof createCaller>, 'once'>) =>
  async (table: string, items: Item[]): Promise<number[] | undefined> => {
    const TransactStatements = items.map((item) => insertion(table, item));
    try {
      await once(new ExecuteTransactionCommand({ TransactStatements, ...total }), 'write');
      return undefined;
    } catch (error) {
      const there = cancellation(error)?.flatMap((reason, i) => (isThere(reason) ? [i] : []));
      if (!there || there.length === 0) throw error;
      return there;
    }
  };

/** One invocation's view of the database. */
export const createDdb = (send: Send, meter: Meter, random: Random, sleep: Sleep) => {
  const { once, repeated, orRefused } = createCaller(send, meter, random, sleep);
  return {
    get: async (input: GetCommandInput): Promise<Item | undefined> =>
      (await repeated(() => new GetCommand({ ...input, ...total }), 'read')).Item as Item | undefined,

    query: pagesWith({ repeated }),

    /** One attempt: the caller looks before it tries again. */
    put: (input: PutCommandInput) => orRefused(() => once(new PutCommand({ ...input, ...withOld }), 'write')),

    /** Repeated on doubt: for registers, and for what says the same twice. */
    update: (input: UpdateCommandInput) =>
      orRefused(() => repeated(() => new UpdateCommand({ ...input, ...withOld }), 'write')),

    /** One attempt, for what must not land late: its condition names what it was made against. */
    updateOnce: (input: UpdateCommandInput) =>
      orRefused(() => once(new UpdateCommand({ ...input, ...withOld }), 'write')),

    /** One attempt; a cancelled transaction's reasons, or undefined when it was done. */
    transact: async (items: NonNullable<TransactWriteCommandInput['TransactItems']>): Promise<Reason[] | undefined> => {
      try {
        await once(new TransactWriteCommand({ TransactItems: items, ...total }), 'write');
        return undefined;
      } catch (error) {
        const reasons = cancellation(error);
        if (!reasons) throw error;
        return reasons;
      }
    },

    insert: insertWith({ once }),
  };
};
export type Ddb = ReturnType<typeof createDdb>;

export const isRefused = (result: Item | Refused): result is Refused => result.refused === true;
