/**
 * The one PartiQL statement that we know: INSERT, which fails where the key is taken. A role that may say nothing else can
 * overwrite nothing; PutItem overwrites unless each request says otherwise.
 */
import { assert } from './assert.ts';

const NAME = /^[A-Za-z][\w.-]*$/;

/** An item that must not be there yet. Its values are parameters. */
export const insertion = (
  table: string,
  item: Record<string, unknown>,
): { Statement: string; Parameters: unknown[] } => {
  const names = Object.keys(item);
  for (const name of [table, ...names]) assert(NAME.test(name), `${name} can not stand in a statement`);
  const fields = names.map((name) => `'${name}': ?`).join(', ');
  return { Statement: `INSERT INTO "${table}" VALUE {${fields}}`, Parameters: Object.values(item) };
};

/** Is this why a statement was not done: its item is there already? */
export const isThere = ({ code }: { code: string }): boolean => code === 'DuplicateItem';
