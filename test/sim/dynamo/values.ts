/** Plain values as DynamoDB sees them: copied, compared, put in order. Sets and binaries are not understood. */
import type { Item } from '../../../core/ddb.ts';
import { invalid, notUnderstood } from './errors.ts';

const DEPTH = 32;
type Plain = Record<string, unknown>;

const number = (value: number): number => {
  // The document client refuses such numbers too.
  if (!Number.isFinite(value)) throw notUnderstood(`the number ${value}`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw notUnderstood(`the large number ${value}`);
  if (value !== 0 && Math.abs(value) < 1e-130) throw invalid('Number underflow');
  // -0 is 0.
  return value + 0;
};

const list = (value: readonly unknown[], depth: number): unknown[] => {
  const copied: unknown[] = [];
  for (const each of value) if (each !== undefined) copied.push(copy(each, depth + 1));
  return copied;
};

const object = (value: object, depth: number): unknown => {
  if (depth > DEPTH) throw invalid('Nesting Levels have exceeded supported limits');
  if (Array.isArray(value)) return list(value, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw notUnderstood(`a value of the class ${prototype.constructor?.name}`);
  const copied: Plain = {};
  const source = value as Plain;
  for (const name of Object.keys(source)) {
    const each = source[name];
    if (each === undefined) continue;
    if (name === '__proto__' || name === '') throw notUnderstood(`the attribute name ${JSON.stringify(name)}`);
    copied[name] = copy(each, depth + 1);
  }
  return copied;
};

/** A deep copy without `undefined`. @throws for what has no place in an item */
export const copy = (value: unknown, depth = 0): unknown => {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw notUnderstood('half a character');
      return value;
    case 'boolean':
      return value;
    case 'number':
      return number(value);
    case 'object':
      return value === null ? null : object(value, depth);
    default:
      throw notUnderstood(`a value of the type ${typeof value}`);
  }
};

/** As `copy`, for whole items and other records of values. */
export const copyItem = (item: Item): Item => object(item, 0) as Item;

/** Attributes have no order, elements of lists do. */
export const equal = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, i) => equal(each, b[i]));
  const [left, right] = [a as Plain, b as Plain];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name]))
  );
};

/** Surrogates, which UTF-16 has below U+E000, stand for the characters after U+FFFF. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Strings in the order of their UTF-8 bytes: less than 0, 0, or more than 0. */
export const order = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
};
