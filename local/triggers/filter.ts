/** Filter patterns of event source mappings, in the part of EventBridge's language that DynamoDB streams can use. */
import { StartError } from '../errors.ts';

type Test = (value: unknown) => boolean;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

const operators: Record<string, (argument: unknown) => Test | undefined> = {
  prefix: (argument) =>
    typeof argument === 'string' ? (value) => typeof value === 'string' && value.startsWith(argument) : undefined,
  suffix: (argument) =>
    typeof argument === 'string' ? (value) => typeof value === 'string' && value.endsWith(argument) : undefined,
  exists: (argument) =>
    typeof argument === 'boolean' ? (value) => (value !== undefined && !isRecord(value)) === argument : undefined,
  'anything-but': (argument) => {
    const refused = Array.isArray(argument) ? argument : [argument];
    return refused.every(isScalar) ? (value) => isScalar(value) && !refused.includes(value) : undefined;
  },
};

/** One element of a leaf's list: a value that must be there, or `{ operator: argument }`. */
const compileRule = (rule: unknown, where: string): Test => {
  if (isScalar(rule)) return (value) => value === rule;
  const [entry, ...others] = isRecord(rule) ? Object.entries(rule) : [];
  const [name = '', argument] = entry ?? [];
  const test = others.length === 0 && Object.hasOwn(operators, name) ? operators[name]?.(argument) : undefined;
  if (!test)
    throw new StartError(
      `${where}: local/ does not know the filter ${JSON.stringify(rule)}; teach it to local/triggers/filter.ts`,
    );
  return test;
};

const compile = (pattern: unknown, where: string): Test => {
  if (Array.isArray(pattern)) {
    const tests = pattern.map((rule) => compileRule(rule, where));
    return (value) => tests.some((test) => test(value));
  }
  if (!isRecord(pattern) || Object.keys(pattern).some((key) => key.startsWith('$')))
    throw new StartError(`${where}: local/ does not know the filter ${JSON.stringify(pattern)}`);
  const fields = Object.entries(pattern).map(([key, inner]) => [key, compile(inner, `${where}.${key}`)] as const);
  return (value) => fields.every(([key, test]) => test(isRecord(value) ? value[key] : undefined));
};

/**
 * @param patterns any of them lets a record through; none lets all through
 * @throws StartError for an operator that it does not know, with the path to it
 */
export const createFilter = (patterns: unknown[], where: string): ((record: unknown) => boolean) => {
  const tests = patterns.map((pattern) => compile(pattern, where));
  return (record) => tests.length === 0 || tests.some((test) => test(record));
};
