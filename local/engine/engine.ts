/**
 * The database: the embedded engine with the care that it needs, or any DynamoDB-compatible endpoint that
 * AWS_ENDPOINT_URL_DYNAMODB names, which is then left to its owner.
 */
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import { createDynamo, type Dynamo } from './dynamo.ts';
import { findEngine } from './engine-binary.ts';
import { openEngineFile } from './engine-file.ts';
import { startEngineProcess } from './engine-process.ts';

export type Engine = {
  endpoint: string;
  dynamo: Dynamo;
  /** How far a table's stream is, at once; undefined when only polling can tell. */
  head: (table: string) => bigint | undefined;
  /** Deletes a bounded number of old stream records below a position. @returns how many */
  trim: (table: string, before: bigint) => number;
  /** The engine's process; undefined for an endpoint that is not ours. */
  pid: () => number | undefined;
  stop: () => Promise<void>;
};

const useEndpoint = async (endpoint: string): Promise<Engine> => {
  if (!URL.canParse(endpoint))
    throw new StartError(
      `AWS_ENDPOINT_URL_DYNAMODB is ${endpoint}: it must be an address such as http://127.0.0.1:8000`,
    );
  const dynamo = createDynamo(endpoint);
  await dynamo.call('ListTables', { Limit: 1 }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `no DynamoDB answers at AWS_ENDPOINT_URL_DYNAMODB (${endpoint}): ${reason}; start it or unset it`,
    );
  });
  return {
    endpoint,
    dynamo,
    head: () => undefined,
    trim: () => 0,
    pid: () => undefined,
    stop: async () => dynamo.close(),
  };
};

const embed = async (data: string, program: string, onNote: (sentence: string) => void): Promise<Engine> => {
  const running = await startEngineProcess(program, data, onNote);
  const file = openEngineFile(join(data, 'dynamo.db'));
  if (!file) onNote('this database engine keeps its streams in another way: they are not indexed and not trimmed');
  const dynamo = createDynamo(running.endpoint);
  return {
    endpoint: running.endpoint,
    dynamo,
    head: (table) => file?.head(table),
    trim: (table, before) => file?.trim(table, before) ?? 0,
    pid: running.pid,
    stop: async () => {
      dynamo.close();
      // Ours first: the last one to close the file writes its log back.
      file?.close();
      await running.stop();
    },
  };
};

/**
 * @param data folder for the embedded engine's file; the caller holds its lock
 * @param onNote told what the user should know, in a sentence
 * @throws StartError that says what to do
 */
export const startEngine = async (
  data: string,
  env: NodeJS.ProcessEnv,
  onNote: (sentence: string) => void,
): Promise<Engine> => {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint } = env;
  return endpoint ? useEndpoint(endpoint) : embed(data, findEngine(env), onNote);
};
