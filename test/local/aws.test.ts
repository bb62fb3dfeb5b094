import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
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
  const lines: string[] = [];
  const inside = await startInside({
    connections: { post: () => 'gone', get: () => undefined, drop: () => false },
    model: modelOf([], { ...functions, ...overrides }),
    invoke: invokes({ ...functions, ...overrides }),
    parameter: async (name) => (name === '/chorus/demo/key' ? 'secret' : undefined),
    environment: () => ({ EVENTS_TABLE: 'Events', AWS_REGION: 'here' }),
    readLines: async function* () {
      yield* lines;
    },
    onEventFailure: (id) => failures.push(id),
  });
  onTestFinished(() => inside.close());
  const options = {
    endpoint: inside.origin,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  };
  const clients = {
    lambda: new LambdaClient(options),
    ssm: new SSMClient(options),
    logs: new CloudWatchLogsClient(options),
  };
  return { ...inside, ...clients, failures, lines };
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

describe('Lambda ListFunctions, by its SDK client', () => {
  test('tells name, environment without what is the machine’s, and log group, page by page', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`F${i}`, () => i]));
    const { lambda } = await start(many);
    const first = await lambda.send(new ListFunctionsCommand({ MaxItems: 50 }));
    const second = await lambda.send(new ListFunctionsCommand({ MaxItems: 50, Marker: first.NextMarker }));
    const names = [first, second].flatMap(({ Functions = [] }) => Functions.map(({ FunctionName }) => FunctionName));
    const all = ['Add', 'Break', ...Object.keys(many)].map((id) => `name-of-${id}`);
    expect([names.sort(), second.NextMarker]).toEqual([all.sort(), undefined]);
    expect(first.Functions?.[0]).toMatchObject({
      FunctionArn: expect.stringMatching(/^arn:aws:lambda:.*:function:name-of-Add$/),
      Environment: { Variables: { EVENTS_TABLE: 'Events' } },
      LoggingConfig: { LogGroup: expect.stringMatching(/./) },
    });
    expect(first.Functions?.[0]?.Environment?.Variables).not.toHaveProperty('AWS_REGION');
  });
});

describe('CloudWatch Logs FilterLogEvents, by its SDK client', () => {
  const logGroupName = 'any';
  const line = (second: number, more: object) =>
    JSON.stringify({ t: new Date(second * 1000).toISOString(), level: 'info', ...more });
  const ask = async (logs: CloudWatchLogsClient, request: object) => {
    const { events = [], nextToken } = await logs.send(new FilterLogEventsCommand({ logGroupName, ...request }));
    return { messages: events.map(({ message = '' }) => message), nextToken };
  };

  test('finds the lines that hold every term, as Lambda writes them', async () => {
    const { logs, lines } = await start();
    const found = line(1, { stream: 'a"b', v: 5 });
    lines.push(found, line(1, { stream: 'a"b', v: 6 }), line(1, { stream: 'ab', v: 5 }), '', 'no JSON "v":5');
    const filterPattern = String.raw`"\"stream\":\"a\\\"b\"" "\"v\":5"`;
    const { messages, nextToken } = await ask(logs, { filterPattern });
    expect([messages.length, nextToken]).toEqual([1, undefined]);
    expect(messages[0]).toMatch(/^1970-01-01T00:00:01.000Z\t[0-9a-f-]{36}\tINFO\t\{.*\}\n$/);
    expect(messages[0]).toContain(found);
  });
  test('keeps to the time that was asked for', async () => {
    const { logs, lines } = await start();
    lines.push(...[1, 2, 3].map((second) => line(second, { second })));
    const { messages } = await ask(logs, { startTime: 1500, endTime: 2500 });
    expect(messages.map((message) => /"second":(\d)/.exec(message)?.[1])).toEqual(['2']);
  });
  test('turns pages', async () => {
    const { logs, lines } = await start();
    lines.push(...Array.from({ length: 2100 }, (_, i) => line(i, { i })));
    const first = await ask(logs, {});
    const second = await ask(logs, { nextToken: first.nextToken });
    const third = await ask(logs, { nextToken: second.nextToken });
    const all = [first, second, third].flatMap(({ messages }) => messages.map((text) => /"i":(\d+)/.exec(text)?.[1]));
    expect(all).toEqual(Array.from({ length: 2100 }, (_, i) => String(i)));
    expect(third.nextToken).toBeUndefined();
  });
  test.each(['{ $.v = 5 }', 'bare', '-"not"'])(
    'refuses the pattern %s, which it does not know',
    async (filterPattern) => {
      const { logs } = await start();
      await expect(ask(logs, { filterPattern })).rejects.toMatchObject({ name: 'InvalidParameterException' });
    },
  );
});

test('anything else is refused by name', async () => {
  const { origin } = await start();
  const elsewhere = await fetch(`${origin}/elsewhere`);
  expect([elsewhere.status, await elsewhere.text()]).toEqual([404, expect.stringContaining('GET /elsewhere')]);
  const broken = await fetch(`${origin}/@connections/%zz`, { method: 'POST' });
  expect(broken.status).toBe(400);
});
