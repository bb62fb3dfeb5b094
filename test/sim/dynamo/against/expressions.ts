/** Arbitrary expressions of the grammar that the product uses, over a handful of attributes and values. */
import fc from 'fast-check';

const names: Record<string, string> = {
  ...{ '#pk': 'pk', '#sk': 'sk', '#n': 'n', '#s': 's', '#m': 'm', '#l': 'l', '#none': 'none' },
  '#odd': 'ack:constructor',
};
const plain = {
  ...{ ':zero': 0, ':one': 1, ':two': 2, ':ten': 10, ':less': -3, ':million': 1_000_000 },
  ...{ ':a': 'a', ':b': 'b', ':empty': '', ':umlaut': 'ü', ':wide': '😀', ':private': '\uff61' },
};
const rich = {
  ...{ ':yes': true, ':no': false, ':list': [1, 'a', null, 0.25, []], ':nothing': {}, ':long': 'ü'.repeat(450) },
  ...{ ':shorter': [1, 'a'], ':map': { n: 1, s: 'a' }, ':part': { n: 1 }, ':deep': { m: { n: 2 }, n: 10, s: 'b' } },
};
/**
 * Compared with, but never written at the top: sums here are of whole numbers, and the engine takes a NULL for an empty
 * map where DynamoDB does not.
 */
const elsewhere = { ':half': 0.5, ':null': null };
export const values: Record<string, unknown> = { ...plain, ...rich, ...elsewhere };
const numbers = fc.constantFrom(':zero', ':one', ':two', ':ten', ':less');
/** Those that have an order. */
export const orderedNames = Object.keys(plain);
const ordered = fc.constantFrom(...orderedNames);
const value = fc.constantFrom(...Object.keys(plain), ...Object.keys(rich));
const anyValue = fc.constantFrom(...Object.keys(values));

export const attributes = fc.dictionary(
  fc.constantFrom('n', 's', 'm', 'l', 'ack:constructor'),
  value.map((each) => values[each]),
);

const path = fc.constantFrom(
  ...['#n', '#s', '#m', '#l', '#none', '#pk', '#odd', '#m.#n', '#m.#s', '#m.#m', '#m.#m.#n', '#none.#n', '#s.#n'],
);
const comparison = fc
  .oneof(
    fc.tuple(path, fc.constantFrom('=', '<>'), anyValue),
    fc.tuple(path, fc.constantFrom('<', '<=', '>', '>='), ordered),
    fc.tuple(path, fc.constantFrom('=', '<>', '<', '>='), path).filter(([left, , right]) => left !== right),
  )
  .map((words) => words.join(' '));
const call = fc
  .tuple(fc.constantFrom('attribute_exists', 'attribute_not_exists'), path)
  .map(([name, of]) => `${name}(${of})`);

/** In parentheses where that is not redundant. */
const closed = (condition: string): string => (/ (AND|OR) /.test(condition) ? `(${condition})` : condition);

export const { condition } = fc.letrec<{ condition: string; junction: string }>((tie) => ({
  condition: fc.oneof({ depthSize: 'small', withCrossShrink: true }, comparison, call, tie('junction')),
  junction: fc
    .tuple(tie('condition'), fc.constantFrom('AND', 'OR'), fc.boolean(), tie('condition'))
    .map(([left, word, close, right]) => `${left} ${word} ${close ? closed(right) : right}`),
}));

const target = fc.oneof(
  { arbitrary: fc.constantFrom('#n', '#s', '#m', '#l', '#odd'), weight: 4 },
  fc.constantFrom('#m.#n', '#m.#m', '#m.#m.#n', '#s.#n'),
);
const sum = fc
  .tuple(fc.constantFrom('#n', '#m.#n', '#none'), numbers, numbers, fc.boolean())
  .map(([of, first, more, sure]) => (sure ? `if_not_exists(${of}, ${first}) + ${more}` : `${of} + ${more}`));
const operand = path.filter((each) => each !== '#pk');
const instead = fc.tuple(operand, value).map(([of, first]) => `if_not_exists(${of}, ${first})`);
const source = fc.oneof({ arbitrary: value, weight: 3 }, sum, instead);

const overlap = (a: string, b: string): boolean => `${a}.`.startsWith(`${b}.`) || `${b}.`.startsWith(`${a}.`);
const areApart = (paths: string[]): boolean =>
  paths.every((each, i) => paths.slice(0, i).every((other) => !overlap(each, other)));

/** An update, and what must be there before it. */
export const update = fc
  .tuple(fc.array(fc.tuple(target, source), { maxLength: 3 }), fc.array(target, { maxLength: 2 }))
  .filter(([set, remove]) => set.length + remove.length > 0 && areApart([...set.map(([to]) => to), ...remove]))
  .map(([set, remove]) => ({
    text: [
      ...(set.length > 0 ? [`SET ${set.map((words) => words.join(' = ')).join(', ')}`] : []),
      ...(remove.length > 0 ? [`REMOVE ${remove.join(', ')}`] : []),
    ].join(' '),
    /** The engine lets one remove from what is no map, or from nothing at all, and does it in its own way. */
    needs: [...remove.filter((each) => each.includes('.')), ...(set.length > 0 ? [] : ['#pk'])],
  }));

const used = <T>(all: Record<string, T>, text: string, placeholder: RegExp): [string, T][] =>
  (text.match(placeholder) ?? []).flatMap((each) => {
    const found = all[each];
    return found === undefined ? [] : [[each, found]];
  });

/** The placeholders of these expressions. */
export const placeholders = (texts: (string | undefined)[], more: Record<string, unknown> = {}) => {
  const text = texts.filter((each) => each !== undefined).join(' ');
  const some = used(names, text, /#\w+/g);
  const others = used({ ...values, ...more }, text, /:\w+/g);
  return {
    ...(some.length > 0 ? { ExpressionAttributeNames: Object.fromEntries(some) } : {}),
    ...(others.length > 0 ? { ExpressionAttributeValues: Object.fromEntries(others) } : {}),
  };
};

/** All of these, in one condition; undefined when there are none. */
export const allOf = (needs: string[], condition: string | undefined): string | undefined => {
  const all = needs.map((each) => `attribute_exists(${each})`);
  if (all.length === 0) return condition;
  return [...all, ...(condition ? [closed(condition)] : [])].join(' AND ');
};
