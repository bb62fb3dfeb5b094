/**
 * The AWS endpoints that handlers call and that are not the engine's: @connections, Lambda Invoke, SSM GetParameter.
 * One loopback server, known to the handlers by AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL_SSM and SOCKETS_ENDPOINT.
 * Any signature is accepted.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { close, LOOPBACK, listen } from '../listen.ts';
import type { Invoke, Model } from '../model.ts';
import { ACCOUNT, gatewayId, REGION, target } from './api-context.ts';
import { createBusy, readBody, TOO_LARGE } from './body.ts';
import type { Connections } from './connections.ts';

const BODY_BYTES = 6 * 1024 * 1024;
const EVENT_BYTES = 1024 * 1024;

type Reply = { status: number; headers?: Record<string, string>; body?: unknown };
type Call = { method: string; path: string; headers: IncomingMessage['headers']; body: Buffer };

type Options = {
  connections: Connections;
  model: Model;
  invoke: Invoke;
  /** A secret's value by parameter name. */
  parameter: (name: string) => Promise<string | undefined>;
  onEventFailure?: (functionId: string, error: unknown) => void;
};

export type Inside = { origin: string; idle(): boolean; close(): Promise<void> };

const fault = (status: number, type: string, message: string): Reply => ({
  status,
  headers: { 'x-amzn-errortype': type },
  body: { __type: type, message },
});

const callConnection = (connections: Connections, { method, body }: Call, id: string): Reply => {
  if (!/^[A-Za-z0-9_-]{4,128}={0,2}$/.test(id)) return fault(400, 'BadRequestException', `Invalid connectionId: ${id}`);
  const gone = fault(410, 'GoneException', 'The connection is closed');
  if (method === 'POST') {
    const outcome = connections.post(id, body);
    if (outcome === 'too-large') return fault(413, 'PayloadTooLargeException', 'Message is larger than 128 KB');
    return outcome === 'sent' ? { status: 200 } : gone;
  }
  if (method === 'DELETE') return connections.drop(id) ? { status: 204 } : gone;
  if (method !== 'GET') return fault(405, 'MethodNotAllowedException', `${method} is not possible here`);
  const connection = connections.get(id);
  if (!connection) return gone;
  const [connectedAt, lastActiveAt] = [connection.connectedAt, connection.lastActiveAt].map((at) =>
    new Date(at).toISOString(),
  );
  return { status: 200, body: { connectedAt, lastActiveAt, identity: connection.identity } };
};

/** By name, full or partial ARN, each with or without a qualifier; also by logical id. */
const findFunction = ({ functions }: Model, reference: string): string | undefined => {
  const name = /(?:^|:function:)([A-Za-z0-9_-]+)(?::[A-Za-z0-9$_-]+)?$/.exec(reference)?.[1] ?? reference;
  return Object.keys(functions).find((id) => id === name || functions[id]?.name === name);
};

const functionError = (error: unknown): Reply => {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return {
    status: 200,
    headers: { 'x-amz-function-error': 'Unhandled', 'x-amz-executed-version': '$LATEST' },
    body: { errorType: name, errorMessage: message, trace: [] },
  };
};

const parseEvent = (body: Buffer): { event: unknown } | undefined => {
  try {
    return { event: body.length === 0 ? {} : JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
};

const callFunction = async (
  { model, invoke, onEventFailure }: Options,
  { headers, body }: Call,
  reference: string,
  background: (work: Promise<void>) => void,
): Promise<Reply> => {
  const id = findFunction(model, reference);
  if (id === undefined) return fault(404, 'ResourceNotFoundException', `Function not found: ${reference}`);
  const parsed = parseEvent(body);
  if (!parsed) return fault(400, 'InvalidRequestContentException', 'Could not parse request body into json');
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type === 'DryRun') return { status: 204 };
  if (type === 'Event') {
    if (body.length > EVENT_BYTES) return fault(413, 'RequestTooLargeException', 'The event is larger than 1 MB');
    background(
      invoke(id, parsed.event).then(
        () => undefined,
        (error: unknown) => onEventFailure?.(id, error),
      ),
    );
    return { status: 202 };
  }
  try {
    const result = await invoke(id, parsed.event);
    return { status: 200, headers: { 'x-amz-executed-version': '$LATEST' }, body: result ?? null };
  } catch (error) {
    return functionError(error);
  }
};

const GetParameter = z.object({ Name: z.string(), WithDecryption: z.boolean().optional() });

const getParameter = async ({ parameter }: Options, { headers, body }: Call): Promise<Reply> => {
  const operation = headers['x-amz-target'];
  if (operation !== 'AmazonSSM.GetParameter')
    return fault(400, 'UnknownOperationException', `local/ knows AmazonSSM.GetParameter only, not ${operation}`);
  const parsed = GetParameter.safeParse(parseEvent(body)?.event);
  if (!parsed.success) return fault(400, 'ValidationException', 'Name must be a string');
  const { Name, WithDecryption } = parsed.data;
  const value = await parameter(Name);
  if (value === undefined) return fault(400, 'ParameterNotFound', `Parameter ${Name} not found.`);
  const Parameter = {
    Name,
    Type: 'SecureString',
    // Without WithDecryption AWS answers the cipher text; so a forgotten flag is noticed here too.
    Value: WithDecryption ? value : Buffer.from(`encrypted ${Name}`).toString('base64'),
    Version: 1,
    LastModifiedDate: 1_767_225_600,
    ARN: `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter${Name}`,
    DataType: 'text',
  };
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: { Parameter } };
};

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

const answer = async (options: Options, call: Call, background: (work: Promise<void>) => void): Promise<Reply> => {
  const connection = /\/@connections\/([^/]+)$/.exec(call.path)?.[1];
  if (connection !== undefined) return callConnection(options.connections, call, decode(connection));
  const invoked = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/.exec(call.path)?.[1];
  if (invoked !== undefined && call.method === 'POST') return callFunction(options, call, decode(invoked), background);
  if (call.headers['x-amz-target'] !== undefined) return getParameter(options, call);
  return fault(404, 'UnknownOperationException', `local/ does not know ${call.method} ${call.path}`);
};

const send = (response: ServerResponse, { status, headers, body }: Reply): void => {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-requestid': gatewayId(), ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
};

/** Starts the server on a free loopback port. */
export const startInside = async (options: Options): Promise<Inside> => {
  const busy = createBusy();
  const background = (work: Promise<void>): void => void busy.track(work);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await readBody(request, BODY_BYTES);
      const { method = 'GET', headers } = request;
      const tooLarge = fault(413, 'RequestTooLargeException', 'Request must be smaller than 6 MB');
      const call = { method, headers, path: target(request)?.path ?? '/' };
      send(response, body === TOO_LARGE ? tooLarge : await answer(options, { ...call, body }, background));
    } catch {
      send(response, fault(500, 'InternalFailure', 'local/ failed to answer'));
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  const port = await listen(server);
  return { origin: `http://${LOOPBACK}:${port}`, idle: () => busy.count() === 0, close: () => close(server) };
};
