/** Sizes and capacity units by DynamoDB's documented rules. */
import type { Item } from '../../../core/ddb.ts';

/** Digits that count: without sign, point, exponent, and zeros at either end. */
const significant = (value: number): number => {
  const [digits = ''] = String(Math.abs(value)).split('e');
  return digits.replace('.', '').replace(/^0+|0+$/g, '').length;
};

const SMALL = 10;
const sizeOfNumber = (value: number): number => {
  if (value > 0 && value < SMALL && Number.isInteger(value)) return 2;
  return Math.ceil(significant(value) / 2) + 1;
};

const bytes = (text: string): number => Buffer.byteLength(text);

const sizeOfValue = (value: unknown): number => {
  if (typeof value === 'string') return bytes(value);
  if (typeof value === 'number') return sizeOfNumber(value);
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + 1 + sizeOfValue(each), 3);
  const names = Object.keys(value);
  return 3 + names.length + sizeOf(value as Item);
};

/** An item's size in bytes by DynamoDB's documented rule. */
export const sizeOf = (item: Item): number => {
  let sum = 0;
  for (const name of Object.keys(item)) sum += bytes(name) + sizeOfValue(item[name]);
  return sum;
};

const KB = 1024;

/** Units of a write: one per started KB of the larger of what was there and what is. */
export const writeUnits = (...sizes: number[]): number => Math.max(1, Math.ceil(Math.max(...sizes) / KB));

/** Units of a read: one per started 4 KB, half of that when it need not be consistent. */
export const readUnits = (size: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(size / (4 * KB))) * (consistent ? 1 : 0.5);
