/** Update expressions: SET and REMOVE. Every operand sees the item as it was before. */
import type { Item } from '../../../core/ddb.ts';
import { invalid, notUnderstood } from './errors.ts';
import { type Bound, isMap, nameOf, valueAt } from './placeholders.ts';
import { type Path, parserOf, type Tokens } from './tokens.ts';

/** A value; or what is at a path, a default instead, a sum of it. */
type Source = { value: string } | { path: Path; plus?: string; otherwise?: string };
export type Update = { set: { path: Path; to: Source }[]; remove: Path[] };

const source = (tokens: Tokens): Source => {
  if (tokens.isValue()) return { value: tokens.value() };
  if (!tokens.accept('if_not_exists')) {
    const path = tokens.path();
    tokens.expect('+');
    return { path, plus: tokens.value() };
  }
  tokens.expect('(');
  const path = tokens.path();
  tokens.expect(',');
  const otherwise = tokens.value();
  tokens.expect(')');
  return tokens.accept('+') ? { path, otherwise, plus: tokens.value() } : { path, otherwise };
};

const assignment = (tokens: Tokens): Update['set'][number] => {
  const path = tokens.path();
  tokens.expect('=');
  return { path, to: source(tokens) };
};

const list = <T>(tokens: Tokens, one: (tokens: Tokens) => T): T[] => {
  const all = [one(tokens)];
  while (tokens.accept(',')) all.push(one(tokens));
  return all;
};

export const parseUpdate = parserOf((tokens): Update => {
  const set = tokens.accept('SET') ? list(tokens, assignment) : [];
  const remove = tokens.accept('REMOVE') ? list(tokens, (each) => each.path()) : [];
  if (set.length + remove.length === 0) throw tokens.unexpected();
  return { set, remove };
});

const overlap = (a: Path, b: Path, bound: Bound): boolean => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (nameOf(bound, a[i] ?? '') !== nameOf(bound, b[i] ?? '')) return false;
  return true;
};

/** @throws ValidationException for what no item may change: its key, and one path in two ways */
export const checkUpdate = ({ set, remove }: Update, bound: Bound): void => {
  const paths = [...set.map(({ path }) => path), ...remove];
  paths.forEach((path, i) => {
    const name = nameOf(bound, path[0] ?? '');
    if (name === 'pk' || name === 'sk')
      throw invalid(`Cannot update attribute ${name}. This attribute is part of the key`);
    for (let other = 0; other < i; other++)
      if (overlap(path, paths[other] ?? [], bound)) throw invalid('Two document paths overlap with each other');
  });
};

const sourced = (to: Source, before: Item | undefined, bound: Bound): unknown => {
  if ('value' in to) return bound.values[to.value];
  // Has an item its key already while it is made? The documents don't say.
  if (['pk', 'sk'].includes(nameOf(bound, to.path[0] ?? ''))) throw notUnderstood('a key as an operand');
  const there = valueAt(before, to.path, bound);
  const found = there === undefined && to.otherwise ? bound.values[to.otherwise] : there;
  if (found === undefined)
    throw invalid('The provided expression refers to an attribute that does not exist in the item');
  if (to.plus === undefined) return found;
  const plus = bound.values[to.plus];
  if (typeof found !== 'number' || typeof plus !== 'number')
    throw invalid('An operand in the update expression has an incorrect data type');
  // DynamoDB adds decimals, we add doubles.
  if (!Number.isSafeInteger(found) || !Number.isSafeInteger(plus) || !Number.isSafeInteger(found + plus))
    throw notUnderstood(`a sum that is no whole number: ${found} + ${plus}`);
  return found + plus;
};

/** A copy with another value at a path; without one if that is undefined. Shares what lies beside the path. */
const changed = (item: Item, [first = '', ...rest]: Path, value: unknown, bound: Bound): Item => {
  const name = nameOf(bound, first);
  if (rest.length === 0) {
    if (value !== undefined) return { ...item, [name]: value };
    const { [name]: _gone, ...others } = item;
    return others;
  }
  const inner = Object.hasOwn(item, name) ? item[name] : undefined;
  if (!isMap(inner)) throw invalid('The document path provided in the update expression is invalid for update');
  return { ...item, [name]: changed(inner, rest, value, bound) };
};

/**
 * @param key what a new item begins with
 * @returns undefined when there is nothing still: an update that only removes makes no item
 * @throws ValidationException for paths and sums that this item does not allow
 */
export const applyUpdate = (update: Update, before: Item | undefined, key: Item, bound: Bound): Item | undefined => {
  const values = update.set.map(({ to }) => sourced(to, before, bound));
  let after = before ?? key;
  update.set.forEach(({ path }, i) => {
    after = changed(after, path, values[i], bound);
  });
  for (const path of update.remove) after = changed(after, path, undefined, bound);
  return before || update.set.length > 0 ? after : undefined;
};
