/** Placeholders of a command's expressions, and what it says that they stand for. */
import type { Item } from '../../../core/ddb.ts';
import { invalid } from './errors.ts';
import type { Parsed, Path } from './tokens.ts';
import { copyItem } from './values.ts';

export type Bound = { names: Record<string, string>; values: Item };

type Said = {
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Record<string, unknown> | undefined;
};
type Expression = Pick<Parsed<unknown>, 'names' | 'values'>;
type Kind = keyof Expression;

const field = { names: 'ExpressionAttributeNames', values: 'ExpressionAttributeValues' } as const;

const check = (kind: Kind, said: Record<string, unknown> | undefined, expressions: readonly Expression[]): void => {
  for (const expression of expressions)
    for (const each of expression[kind])
      if (said?.[each] === undefined) throw invalid(`${each} is used in an expression and is not in ${field[kind]}`);
  if (!said) return;
  if (expressions.length === 0) throw invalid(`${field[kind]} can only be specified when using expressions`);
  const all = Object.keys(said);
  if (all.length === 0) throw invalid(`${field[kind]} must not be empty`);
  for (const each of all)
    if (!expressions.some((expression) => expression[kind].includes(each)))
      throw invalid(`Value provided in ${field[kind]} unused in expressions: keys: {${each}}`);
};

/** @throws ValidationException for a placeholder that stands for nothing, and for one that no expression uses */
export const bind = (
  { ExpressionAttributeNames, ExpressionAttributeValues }: Said,
  ...some: (Expression | undefined)[]
): Bound => {
  const expressions = some.filter((each) => each !== undefined);
  const values = ExpressionAttributeValues && copyItem(ExpressionAttributeValues);
  check('names', ExpressionAttributeNames, expressions);
  check('values', values, expressions);
  return { names: ExpressionAttributeNames ?? {}, values: values ?? {} };
};

/** What a name placeholder stands for. */
export const nameOf = ({ names }: Bound, placeholder: string): string => names[placeholder] ?? '';

export const isMap = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path, or undefined. */
export const valueAt = (item: Item | undefined, path: Path, bound: Bound): unknown => {
  let value: unknown = item;
  for (const placeholder of path) {
    const name = nameOf(bound, placeholder);
    if (!isMap(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
};
