/** What commands carry besides expressions: their fields, keys, and whole items. */
import type { Item } from '../../../core/ddb.ts';
import { invalid, notUnderstood } from './errors.ts';
import { sizeOf } from './sizes.ts';
import type { Stored } from './tables.ts';
import { copyItem } from './values.ts';

export type Key = { pk: string; sk: string };

const ITEM_BYTES = 400 * 1024;
const KEY_BYTES = { pk: 2048, sk: 1024 } as const;

/** @throws "not understood" for a field that is set and not among these */
export const allow = (input: object, fields: ReadonlySet<string>): void => {
  const given = input as Item;
  for (const name of Object.keys(given))
    if (given[name] !== undefined && !fields.has(name)) throw notUnderstood(`the field ${name}`);
};

/** @throws "not understood" for a setting that is not among these */
export const among = <T extends string>(name: string, value: string | undefined, choices: readonly T[]): T => {
  const chosen = value === undefined ? choices[0] : choices.find((each) => each === value);
  if (chosen === undefined) throw notUnderstood(`${name} ${value}`);
  return chosen;
};

const part = (name: 'pk' | 'sk', value: unknown): string => {
  if (value === undefined) throw invalid(`One or more parameter values were invalid: Missing the key ${name}`);
  if (typeof value !== 'string') throw invalid(`Type mismatch for key ${name}: expected S`);
  if (value === '')
    throw invalid(`The AttributeValue for a key attribute cannot contain an empty string value: ${name}`);
  if (!value.isWellFormed()) throw notUnderstood('half a character');
  if (Buffer.byteLength(value) > KEY_BYTES[name]) throw invalid(`Size of ${name} has exceeded its limit`);
  return value;
};

/** The key of an item. @throws ValidationException */
export const keyIn = (item: Item | undefined): Key => ({ pk: part('pk', item?.pk), sk: part('sk', item?.sk) });

/** A key that stands alone. @throws ValidationException */
export const keyOf = (given: Item | undefined): Key => {
  const key = keyIn(given);
  if (Object.keys(given ?? {}).length > 2) throw invalid('The provided key element does not match the schema');
  return key;
};

/** An item of the caller's, as it is kept. @throws ValidationException */
export const itemOf = (given: Item | undefined): Item => {
  const item = copyItem(given ?? {});
  keyIn(item);
  return item;
};

/** @throws ValidationException for one that is too large */
export const toStore = (item: Item): Stored => {
  const size = sizeOf(item);
  if (size > ITEM_BYTES) throw invalid('Item size has exceeded the maximum allowed size');
  return { item, size };
};

export type CapacityAsked = 'NONE' | 'TOTAL';

export const capacityAsked = ({ ReturnConsumedCapacity }: { ReturnConsumedCapacity?: string | undefined }) =>
  among<CapacityAsked>('ReturnConsumedCapacity', ReturnConsumedCapacity, ['NONE', 'TOTAL']);

/** ConsumedCapacity, if the command asks for it. */
export const consumed = (asked: CapacityAsked, TableName: string, CapacityUnits: number) =>
  asked === 'TOTAL' ? { ConsumedCapacity: { TableName, CapacityUnits } } : {};
