/** Which items a command is about: for the trace, and for the proof that nobody touches another tenant's. */
import {
  ExecuteTransactionCommand,
  type ExecuteTransactionCommandInput,
  type GetCommandInput,
  type PutCommandInput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Command } from '../../core/ddb.ts';

type Key = { pk: string; sk: string };
const keyIn = (item: Record<string, unknown> | undefined): Key => ({ pk: String(item?.pk), sk: String(item?.sk) });

const inTransaction = ({ TransactItems = [] }: TransactWriteCommandInput): Key[] =>
  TransactItems.map(({ Put, Update, Delete, ConditionCheck }) =>
    keyIn(Put?.Item ?? (Update ?? Delete ?? ConditionCheck)?.Key),
  );

/** As core/insertion.ts says them: a name and a question mark for each value. */
const inserted = ({ TransactStatements = [] }: ExecuteTransactionCommandInput): Key[] =>
  TransactStatements.map(({ Statement = '', Parameters = [] }) => {
    const names = [...Statement.matchAll(/'([^']+)': \?/g)].map(([, name]) => name ?? '');
    return keyIn(Object.fromEntries(names.map((name, i) => [name, Parameters[i]])));
  });

export const keysOf = (command: Command): Key[] => {
  if (command instanceof TransactWriteCommand) return inTransaction(command.input);
  if (command instanceof ExecuteTransactionCommand) return inserted(command.input);
  if (command instanceof QueryCommand) {
    const { ExpressionAttributeValues: values = {} }: QueryCommandInput = command.input;
    return [
      {
        pk: String(values[':pk']),
        sk: String(values[':from'] ?? values[':kind'] ?? values[':view'] ?? values[':entries'] ?? '*'),
      },
    ];
  }
  const input: Partial<PutCommandInput & GetCommandInput> = command.input;
  return [keyIn(input.Item ?? input.Key)];
};
