/** The raw limits that the system is measured against: one PutItem through the SDK, one `ws` round trip. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { WebSocket } from 'ws';

const table = 'Bench';
/** About what a message's commit and its frame weigh. */
const commitText = 'x'.repeat(600);
const frameText = 'x'.repeat(300);

/** A limit: one operation, in milliseconds. */
export type Probe = { once: () => Promise<number>; close: () => void };

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** A client of the given engine, with a table of its own there. */
export const probePut = async (endpoint: string): Promise<Probe> => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  let count = 0;
  const put = () => {
    const sk = String(count++).padStart(9, '0');
    const Item = { pk: { S: `bench#${count % 100}` }, sk: { S: sk }, text: { S: commitText } };
    return client.send(new PutItemCommand({ TableName: table, Item }));
  };
  return { once: () => timed(put), close: () => client.destroy() };
};

const forkEcho = (): Promise<{ port: number; end: () => void }> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'echo.ts'));
    child.once('message', (port) => resolve({ port: Number(port), end: () => child.disconnect() }));
    child.once('error', reject);
  });

/** One connection to an echo server in a process of its own. */
export const probeEcho = async (): Promise<Probe> => {
  const { port, end } = await forkEcho();
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const echo = (): Promise<void> =>
    new Promise((resolve) => {
      socket.once('message', () => resolve());
      socket.send(frameText);
    });
  return {
    once: () => timed(echo),
    close: () => {
      socket.close();
      end();
    },
  };
};
