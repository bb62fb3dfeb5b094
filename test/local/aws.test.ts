import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startInside } from '../../local/gateway/aws.ts';
import { invokes, modelOf } from './stage.ts';

const functions = {
  Add: ({ a, b }: { a: number; b: number }) => ({ sum: a + b }),
  Break: () => {
    throw new TypeError('no such thing');
  },
};

const start = async (overrides: object = {}) => {
  const failures: string[] = [];
  const inside = await startInside({
    connections: { post: () => 'gone', get: () => undefined, drop: () => false },
    model: modelOf([], functions),
    invoke: invokes({ ...functions, ...overrides }),
    parameter: async (name) => (name === '/chorus/demo/key' ? 'secret' : undefined),
    onEventFailure: (id) => failures.push(id),
  });
  onTestFinished(() => inside.close());
  const options = {
    endpoint: inside.origin,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  };
  return { ...inside, failures, lambda: new LambdaClient(options), ssm: new SSMClient(options) };
};

const text = (payload: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(payload ?? []).toString());

describe('Lambda Invoke, by its SDK client', () => {
  test.each([
    'name-of-Add',
    'Add',
    'name-of-Add:live',
    'arn:aws:lambda:us-east-1:000000000000:function:name-of-Add',
    'arn:aws:lambda:us-east-1:000000000000:function:name-of-Add:$LATEST',
    '000000000000:function:name-of-Add',
  ])('finds a function by %s', async (FunctionName) => {
    const { lambda } = await start();
    const { StatusCode, Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: '{"a":1,"b":2}' }),
    );
    expect([StatusCode, text(Payload), FunctionError]).toEqual([200, { sum: 3 }, undefined]);
  });

  test('tells that the function failed', async () => {
    const { lambda } = await start();
    const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'Break' }));
    expect(FunctionError).toBe('Unhandled');
    expect(text(Payload)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such thing' });
  });

  test('with Event answers at once and calls afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const heard: unknown[] = [];
    const Add = async (event: unknown) => {
      await promise;
      heard.push(event);
    };
    const { lambda, idle } = await start({ Add });
    const invocation = { FunctionName: 'Add', InvocationType: 'Event', Payload: '{"a":1}' } as const;
    expect((await lambda.send(new InvokeCommand(invocation))).StatusCode).toBe(202);
    expect([heard, idle()]).toEqual([[], false]);
    resolve();
    await expect.poll(idle).toBe(true);
    expect(heard).toEqual([{ a: 1 }]);
  });

  test('with Event tells the console of a failure', async () => {
    const { lambda, failures } = await start();
    await lambda.send(new InvokeCommand({ FunctionName: 'Break', InvocationType: 'Event' }));
    await expect.poll(() => failures).toEqual(['Break']);
  });

  test('refuses an unknown function and an event that is not JSON', async () => {
    const { lambda } = await start();
    const unknown = lambda.send(new InvokeCommand({ FunctionName: 'nobody' }));
    await expect(unknown).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const broken = lambda.send(new InvokeCommand({ FunctionName: 'Add', Payload: '{' }));
    await expect(broken).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
  });
});

describe('SSM GetParameter, by its SDK client', () => {
  test('gives a secret, and without WithDecryption only its cipher text', async () => {
    const { ssm } = await start();
    const clear = await ssm.send(new GetParameterCommand({ Name: '/chorus/demo/key', WithDecryption: true }));
    expect(clear.Parameter).toMatchObject({ Name: '/chorus/demo/key', Value: 'secret', Type: 'SecureString' });
    const cipher = await ssm.send(new GetParameterCommand({ Name: '/chorus/demo/key' }));
    expect(cipher.Parameter?.Value).not.toBe('secret');
  });

  test('does not know any other name', async () => {
    const { ssm } = await start();
    const unknown = ssm.send(new GetParameterCommand({ Name: '/chorus/other', WithDecryption: true }));
    await expect(unknown).rejects.toMatchObject({ name: 'ParameterNotFound' });
  });
});

test('anything else is refused by name', async () => {
  const { origin } = await start();
  const elsewhere = await fetch(`${origin}/elsewhere`);
  expect([elsewhere.status, await elsewhere.text()]).toEqual([404, expect.stringContaining('GET /elsewhere')]);
  const broken = await fetch(`${origin}/@connections/%zz`, { method: 'POST' });
  expect(broken.status).toBe(400);
});
