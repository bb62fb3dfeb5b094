/**
 * What the code of each function can send to the database, read out of the code itself: each function is bundled without
 * what it never calls, and what is left of each source file tells which tables it names and which of core/ddb.ts it calls.
 */
import { join } from 'node:path';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { build } from 'esbuild';
import { type Command, createDdb, type Ddb } from '../../core/ddb.ts';
import { sourcesOf } from './template.ts';

const root = join(import.meta.dirname, '../..');

type Sdk = Parameters<DynamoDBDocumentClient['send']>[0];
const sdkName = (command: Command | Sdk): string => command.constructor.name.replace(/\d*Command$/, '');

/** What an SDK command asks of IAM, for the tables in it. A transaction may hold any write. */
const actionsOf = (command: Command): string[] => {
  const name = sdkName(command);
  if (name === 'TransactWrite') return ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'];
  if (name === 'ExecuteTransaction') {
    const { TransactStatements = [] } = command.input as { TransactStatements?: { Statement?: string }[] };
    return TransactStatements.map(({ Statement = '' }) => {
      const verb = Statement.split(' ', 1)[0]?.toLowerCase() ?? '';
      return `PartiQL${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
    });
  }
  return [{ Get: 'GetItem', Put: 'PutItem', Update: 'UpdateItem', Query: 'Query' }[name] ?? name];
};

const TableName = 'T';
const Key = { pk: 'p', sk: 's' };
const put = { TableName, Item: Key };
const change = { TableName, Key };
/** One call of each. A new one of core/ddb.ts does not compile until it is here. */
const calls: { [K in keyof Ddb]: (ddb: Ddb) => Promise<unknown> } = {
  get: (ddb) => ddb.get(change),
  query: (ddb) => ddb.query({ TableName }, 1),
  put: (ddb) => ddb.put(put),
  update: (ddb) => ddb.update(change),
  updateOnce: (ddb) => ddb.updateOnce(change),
  transact: (ddb) => ddb.transact([{ Put: put }]),
  insert: (ddb) => ddb.insert(TableName, [Key]),
};

/** IAM actions of each call of core/ddb.ts, by what it really sends. */
export const actionsByCall = async (): Promise<Map<string, string[]>> => {
  const found = new Map<string, string[]>();
  for (const [name, call] of Object.entries(calls)) {
    const sent: Command[] = [];
    const random = { id: () => '', unit: () => 0 };
    const send = async (command: Command) => {
      sent.push(command);
      return {};
    };
    await call(createDdb(send, { read: 0, write: 0 }, random, async () => undefined));
    found.set(name, sent.flatMap(actionsOf));
  }
  return found;
};

/** What is left of each source file in a function's bundle. */
const partsOf = async (files: readonly string[]): Promise<[file: string, code: string][]> => {
  const contents = files.map((file, i) => `import { handler as h${i} } from './${file}'; keep(h${i});`).join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts', sourcefile: 'entry.ts' },
    ...{ bundle: true, write: false, format: 'esm', platform: 'node', packages: 'external', treeShaking: true },
    ...{ absWorkingDir: root, logLevel: 'silent' },
  });
  const text = outputFiles[0]?.text ?? '';
  const heads = [...text.matchAll(/^(?: {2})?\/\/ ((?:core|functions)\/\S+\.ts)$/gm)];
  return heads.map((head, i) => [head[1] ?? '', text.slice(head.index, heads[i + 1]?.index)]);
};

/** Which files name this table (as its environment variable), and what each calls, by function. */
export const callsByFunction = async (variable: string): Promise<Map<string, { file: string; calls: string[] }[]>> => {
  const functions = Map.groupBy(sourcesOf(), ([id]) => id);
  const found = new Map<string, { file: string; calls: string[] }[]>();
  for (const [id, sources] of functions) {
    const parts = await partsOf(sources.map(([, file]) => file));
    const naming = parts.filter(([file, code]) => file !== 'core/env.ts' && code.includes(variable));
    found.set(
      id,
      naming.map(([file, code]) => ({
        file,
        calls: [...new Set([...code.matchAll(/\bddb\d*\.(\w+)\(/g)].map(([, name]) => name ?? ''))].sort(),
      })),
    );
  }
  return found;
};
