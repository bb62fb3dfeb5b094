/**
 * A small DynamoDB in memory: one process, no clock, no chance, for simulations that must run the same way twice. It
 * understands what the product says to the real one and refuses everything else.
 */
import {
  ExecuteTransactionCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Command, Item } from '../../../core/ddb.ts';
import { notUnderstood } from './errors.ts';
import { itemOf, toStore } from './fields.ts';
import { executeTransaction } from './inserts.ts';
import { getItem, query } from './reads.ts';
import { createTables } from './tables.ts';
import { putItem, transactWrite, updateItem } from './writes.ts';

/** Every table has the partition key pk and the sort key sk, both strings. */
export type TableSpec = {
  name: string;
  streamView?: 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES' | 'KEYS_ONLY';
};

/** What a write found and left; `seq` counts from 1. The items are the engine's own: look, don't touch. */
export type Write = {
  seq: number;
  table: string;
  pk: string;
  sk: string;
  before: Item | undefined;
  after: Item | undefined;
};

export type How = {
  /** Eventually consistent reads answer as things stood so many writes ago. */
  lag?: number;
  /** A query ends after at most so many items, as at 1 MB, with LastEvaluatedKey. */
  cut?: number;
};

type Capacity = { TableName: string; CapacityUnits: number };
export type Output = Record<string, unknown> & { ConsumedCapacity?: Capacity | Capacity[] };

export type Dynamo = {
  /**
   * Applies one command at once and answers as the document client does.
   * @throws the SDK's own exceptions, with their names and fields
   * @throws Error "not understood: …" for anything it does not understand
   */
  send(command: Command, how?: How): Output;
  /** Every write so far, in order; a write that changes nothing has no entry, as it has no stream record. */
  writes: readonly Write[];
  /** A transaction's writes are told when all of them are done. */
  onWrite(listener: (write: Write) => void): void;
  /** All items of a table in the order of pk and sk, in copies: for checkers, never for products. */
  items(table: string): Item[];
  /** Puts or removes an item past all conditions. It is a write like others: logged, told, and in the stream. */
  force(table: string, key: { pk: string; sk: string }, item: Item | undefined): void;
};

/** A database with these tables, all empty. */
export const createDynamo = (specs: readonly TableSpec[]): Dynamo => {
  const writes: Write[] = [];
  const listeners: ((write: Write) => void)[] = [];
  const tables = createTables(specs, writes);

  const tell = ({ writes, output }: { writes: Write[]; output: Output }): Output => {
    for (const write of writes) for (const listener of listeners) listener(write);
    return output;
  };
  const send = (command: Command, how: How = {}): Output => {
    if (command instanceof GetCommand) return getItem(tables, command.input, how);
    if (command instanceof QueryCommand) return query(tables, command.input, how);
    if (command instanceof PutCommand) return tell(putItem(tables, command.input));
    if (command instanceof UpdateCommand) return tell(updateItem(tables, command.input));
    if (command instanceof TransactWriteCommand) return tell(transactWrite(tables, command.input));
    if (command instanceof ExecuteTransactionCommand) return tell(executeTransaction(tables, command.input));
    throw notUnderstood(`the command ${Object.getPrototypeOf(command)?.constructor?.name}`);
  };
  return {
    ...{ send, writes },
    onWrite: (listener) => void listeners.push(listener),
    items: (name) => tables.all(tables.named(name)),
    force: (name, { pk, sk }, item) => {
      const write = tables.write(tables.named(name), pk, sk, item && toStore(itemOf({ ...item, pk, sk })));
      tell({ writes: write ? [write] : [], output: {} });
    },
  };
};
