/** Which items a command is about: for the trace, and for the proof that nobody touches another tenant's. */
import {
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

export const keysOf = (command: Command): Key[] => {
  if (command instanceof TransactWriteCommand) return inTransaction(command.input);
  if (command instanceof QueryCommand) {
    const { ExpressionAttributeValues: values = {} }: QueryCommandInput = command.input;
    return [{ pk: String(values[':pk']), sk: String(values[':from'] ?? values[':kind'] ?? values[':view'] ?? '*') }];
  }
  const input: Partial<PutCommandInput & GetCommandInput> = command.input;
  return [keyIn(input.Item ?? input.Key)];
};
