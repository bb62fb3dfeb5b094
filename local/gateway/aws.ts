/**
 * The AWS endpoints that are not the engine's: @connections, Lambda Invoke and SSM GetParameter for the handlers, Lambda
 * ListFunctions and CloudWatch Logs FilterLogEvents for the operators' tools. One loopback server, known to them by
 * AWS_ENDPOINT_URL_LAMBDA and its like and SOCKETS_ENDPOINT. Any signature is accepted.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { close, LOOPBACK, listen } from '../listen.ts';
import { ACCOUNT, gatewayId, REGION, target } from './api-context.ts';
import { createBusy, readBody, TOO_LARGE } from './body.ts';
import type { Connections } from './connections.ts';
import { callFunction, type LambdaApi, listFunctions } from './lambda-api.ts';
import { filterLogEvents, type ReadLines } from './logs-api.ts';
import { AWS_JSON, type Call, fault, parseJsonBody, type Reply } from './reply.ts';

const BODY_BYTES = 6 * 1024 * 1024;

type Options = LambdaApi & {
  connections: Connections;
  /** A secret's value by parameter name. */
  parameter: (name: string) => Promise<string | undefined>;
  readLines: ReadLines;
};

export type Inside = { origin: string; idle(): boolean; close(): Promise<void> };

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

const GetParameter = z.object({ Name: z.string(), WithDecryption: z.boolean().optional() });

const getParameter = async ({ parameter }: Options, { body }: Call): Promise<Reply> => {
  const parsed = GetParameter.safeParse(parseJsonBody(body)?.json);
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
  return { status: 200, headers: AWS_JSON, body: { Parameter } };
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
  if (/^\/2015-03-31\/functions\/?$/.test(call.path) && call.method === 'GET') return listFunctions(options, call);
  const operation = call.headers['x-amz-target'];
  if (operation === 'AmazonSSM.GetParameter') return getParameter(options, call);
  if (operation === 'Logs_20140328.FilterLogEvents') return filterLogEvents(options.readLines, call);
  if (operation !== undefined)
    return fault(400, 'UnknownOperationException', `local/ does not know the operation ${operation}`);
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
      const call = { method, headers, ...(target(request) ?? { path: '/', query: '' }) };
      send(response, body === TOO_LARGE ? tooLarge : await answer(options, { ...call, body }, background));
    } catch {
      send(response, fault(500, 'InternalFailure', 'local/ failed to answer'));
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  const port = await listen(server);
  return { origin: `http://${LOOPBACK}:${port}`, idle: () => busy.count() === 0, close: () => close(server) };
};
