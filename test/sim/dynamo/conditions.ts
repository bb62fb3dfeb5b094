/** Condition expressions: comparisons, attribute_exists, attribute_not_exists, AND, OR, parentheses. */
import type { Item } from '../../../core/ddb.ts';
import { invalid, notUnderstood } from './errors.ts';
import { type Bound, valueAt } from './placeholders.ts';
import { type Path, parserOf, type Tokens } from './tokens.ts';
import { equal, order } from './values.ts';

type Operator = '=' | '<>' | '<' | '<=' | '>' | '>=';
type Operand = { path: Path } | { value: string };
export type Condition =
  | { type: 'all' | 'any'; of: Condition[] }
  | { type: 'exists' | 'missing'; path: Path }
  | { type: 'compare'; operator: Operator; left: Operand; right: Operand };

const operators: readonly Operator[] = ['=', '<>', '<', '<=', '>', '>='];

const operand = (tokens: Tokens): Operand => (tokens.isValue() ? { value: tokens.value() } : { path: tokens.path() });

const comparison = (tokens: Tokens): Condition => {
  const left = operand(tokens);
  const operator = operators.find((each) => tokens.accept(each));
  if (!operator) throw tokens.unexpected();
  const right = operand(tokens);
  if ('value' in left && 'value' in right) throw notUnderstood('a comparison of two values');
  if ('path' in left && 'path' in right && left.path.join('.') === right.path.join('.'))
    throw invalid('The first operand must be distinct from the remaining operands for this operator or function');
  return { type: 'compare', operator, left, right };
};

const call = (tokens: Tokens, type: 'exists' | 'missing'): Condition => {
  tokens.expect('(');
  const path = tokens.path();
  tokens.expect(')');
  return { type, path };
};

const parenthesised = (tokens: Tokens): Condition => {
  if (tokens.peek() === '(') throw invalid('The expression has redundant parentheses');
  const inside = any(tokens);
  tokens.expect(')');
  return inside;
};

const primary = (tokens: Tokens): Condition => {
  if (tokens.accept('(')) return parenthesised(tokens);
  if (tokens.accept('attribute_exists')) return call(tokens, 'exists');
  if (tokens.accept('attribute_not_exists')) return call(tokens, 'missing');
  return comparison(tokens);
};

const several = (tokens: Tokens, word: string, one: (tokens: Tokens) => Condition, type: 'all' | 'any'): Condition => {
  const first = one(tokens);
  const of = [first];
  while (tokens.accept(word)) of.push(one(tokens));
  return of.length === 1 ? first : { type, of };
};
const all = (tokens: Tokens): Condition => several(tokens, 'AND', primary, 'all');
const any = (tokens: Tokens): Condition => several(tokens, 'OR', all, 'any');

export const parseCondition = parserOf(any);

/** Less than 0, 0 or more than 0; undefined for two that have no order: other types, or one that is not there. */
const compare = (left: unknown, right: unknown): number | undefined => {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return order(left, right);
  return undefined;
};

const holdsBetween = (operator: Operator, left: unknown, right: unknown): boolean => {
  if (operator === '=') return left !== undefined && equal(left, right);
  if (operator === '<>') return left === undefined || !equal(left, right);
  const compared = compare(left, right);
  if (compared === undefined) return false;
  if (operator === '<') return compared < 0;
  if (operator === '<=') return compared <= 0;
  return operator === '>' ? compared > 0 : compared >= 0;
};

/** @throws ValidationException for values that have no order where one is asked for */
export const checkCondition = (condition: Condition, bound: Bound): void => {
  if ('of' in condition) for (const each of condition.of) checkCondition(each, bound);
  if (condition.type !== 'compare' || condition.operator === '=' || condition.operator === '<>') return;
  for (const side of [condition.left, condition.right])
    if ('value' in side && !['number', 'string'].includes(typeof bound.values[side.value]))
      throw invalid(`Incorrect operand type for operator or function; operator: ${condition.operator}`);
};

const resolve = (side: Operand, item: Item | undefined, bound: Bound): unknown =>
  'path' in side ? valueAt(item, side.path, bound) : bound.values[side.value];

/** Does the condition hold for what is there? */
export const holds = (condition: Condition, item: Item | undefined, bound: Bound): boolean => {
  switch (condition.type) {
    case 'all':
      return condition.of.every((each) => holds(each, item, bound));
    case 'any':
      return condition.of.some((each) => holds(each, item, bound));
    case 'exists':
      return valueAt(item, condition.path, bound) !== undefined;
    case 'missing':
      return valueAt(item, condition.path, bound) === undefined;
    case 'compare': {
      const { operator, left, right } = condition;
      return holdsBetween(operator, resolve(left, item, bound), resolve(right, item, bound));
    }
  }
};
