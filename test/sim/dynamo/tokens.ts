/** Words of an expression, read one after the other; each distinct text is parsed once. */
import { notUnderstood } from './errors.ts';

const WORD = /[#:]?\w+|<>|<=|>=|\S/g;
const NAME = /^#\w+$/;
const VALUE = /^:\w+$/;

/** Names with dots between, as placeholders. */
export type Path = readonly string[];

export type Tokens = {
  /** The next word; the empty one at the end. */
  peek: () => string;
  /** Takes the next word if it is this one. */
  accept: (word: string) => boolean;
  /** @throws "not understood" if the next word is another */
  expect: (word: string) => void;
  path: () => Path;
  isValue: () => boolean;
  /** Takes a placeholder such as :value. */
  value: () => string;
  /** What to throw where the next word has no place. */
  unexpected: () => Error;
};

/** @throws "not understood" for a word that stands where another is expected */
const tokensOf = (text: string, words: readonly string[]): Tokens => {
  let at = 0;
  const peek = (): string => words[at] ?? '';
  const unexpected = () => notUnderstood(`${peek() || 'the end'} in ${text}`);
  const accept = (word: string): boolean => {
    if (peek() !== word) return false;
    at++;
    return true;
  };
  const one = (pattern: RegExp): string => {
    const word = peek();
    if (!pattern.test(word)) throw unexpected();
    at++;
    return word;
  };
  return {
    ...{ peek, accept, unexpected },
    expect: (word) => {
      if (!accept(word)) throw unexpected();
    },
    path: () => {
      const names = [one(NAME)];
      while (accept('.')) names.push(one(NAME));
      return names;
    },
    isValue: () => VALUE.test(peek()),
    value: () => one(VALUE),
  };
};

/** What an expression says, and the placeholders that it uses. */
export type Parsed<T> = { tree: T; names: readonly string[]; values: readonly string[] };

/** A parser for one kind of expression; `read` takes words until there are none that it knows. */
export const parserOf = <T>(read: (tokens: Tokens) => T): ((text: string) => Parsed<T>) => {
  const known = new Map<string, Parsed<T>>();
  const parse = (text: string): Parsed<T> => {
    const words = text.match(WORD) ?? [];
    const tokens = tokensOf(text, words);
    const tree = read(tokens);
    if (tokens.peek()) throw tokens.unexpected();
    const distinct = [...new Set(words)];
    return { tree, names: distinct.filter((word) => NAME.test(word)), values: distinct.filter((w) => VALUE.test(w)) };
  };
  return (text) => {
    const found = known.get(text) ?? parse(text);
    known.set(text, found);
    return found;
  };
};
