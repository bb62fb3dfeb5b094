/** The events of API Gateway's WebSocket API: what $connect, its authorizer, $default and $disconnect are called with. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  ACCOUNT,
  gatewayId,
  headerValues,
  joined,
  queryValues,
  REGION,
  requestTime,
  SOCKET_API,
  SOCKET_STAGE,
  sourceIp,
  target,
} from './api-context.ts';

/** What is known of a connection from its handshake on. */
export type Handshake = {
  connectionId: string;
  connectedAt: number;
  headers: Record<string, string[]>;
  query: Record<string, string[]>;
  domainName: string;
  identity: { sourceIp: string; userAgent?: string };
  /** The authorizer's context, in every event after it has answered. */
  authorizer?: Record<string, string | number>;
};

export type SocketEvent = Record<string, unknown> & { requestContext: { requestId: string } & Record<string, unknown> };

const last = (all: string[]): string => all.at(-1) ?? '';

export const readHandshake = (request: IncomingMessage): Handshake => {
  const userAgent = request.headers['user-agent'];
  return {
    connectionId: gatewayId(),
    connectedAt: Date.now(),
    headers: headerValues(request),
    query: queryValues(target(request)?.query ?? ''),
    domainName: request.headers.host ?? 'localhost',
    identity: { sourceIp: sourceIp(request), ...(userAgent !== undefined && { userAgent }) },
  };
};

/** The value that an identity source names, for example route.request.querystring.ticket. */
export const identity = ({ headers, query }: Handshake, source: string): string | undefined => {
  const [, place, name = ''] = /^route\.request\.(header|querystring)\.(.+)$/.exec(source) ?? [];
  const value = place === 'header' ? headers[name.toLowerCase()] : place === 'querystring' ? query[name] : undefined;
  return value === undefined ? undefined : last(value) || undefined;
};

const context = (handshake: Handshake, routeKey: string, eventType: string): SocketEvent['requestContext'] => {
  const now = new Date();
  const requestId = gatewayId();
  return {
    routeKey,
    eventType,
    extendedRequestId: requestId,
    requestTime: requestTime(now),
    messageDirection: 'IN',
    stage: SOCKET_STAGE,
    connectedAt: handshake.connectedAt,
    requestTimeEpoch: now.getTime(),
    identity: handshake.identity,
    requestId,
    domainName: handshake.domainName,
    connectionId: handshake.connectionId,
    apiId: SOCKET_API,
    ...(handshake.authorizer && { authorizer: handshake.authorizer }),
  };
};

const handshakeParts = ({ headers, query }: Handshake): Record<string, unknown> => {
  const queryStringParameters = joined(query, last);
  return {
    headers: joined(headers, last) ?? {},
    multiValueHeaders: headers,
    ...(queryStringParameters && { queryStringParameters, multiValueQueryStringParameters: query }),
  };
};

export const connectArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${SOCKET_API}/${SOCKET_STAGE}/$connect`;

export const socketAuthorizerEvent = (handshake: Handshake): SocketEvent => ({
  type: 'REQUEST',
  methodArn: connectArn,
  ...handshakeParts(handshake),
  requestContext: context(handshake, '$connect', 'CONNECT'),
});

export const connectEvent = (handshake: Handshake): SocketEvent => ({
  ...handshakeParts(handshake),
  requestContext: context(handshake, '$connect', 'CONNECT'),
  isBase64Encoded: false,
});

/** A binary message reaches the function in base64. */
export const messageEvent = (handshake: Handshake, data: Buffer, binary: boolean): SocketEvent => ({
  requestContext: { ...context(handshake, '$default', 'MESSAGE'), messageId: randomUUID() },
  body: data.toString(binary ? 'base64' : 'utf8'),
  isBase64Encoded: binary,
});

export const disconnectEvent = (handshake: Handshake, code: number, reason: string): SocketEvent => {
  const headers = { Host: handshake.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    requestContext: {
      ...context(handshake, '$disconnect', 'DISCONNECT'),
      disconnectStatusCode: code,
      disconnectReason: reason,
    },
    isBase64Encoded: false,
  };
};
