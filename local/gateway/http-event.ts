/** API Gateway's payload format 2.0: a request becomes an event, a function's result becomes an answer. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import {
  ACCOUNT,
  gatewayId,
  HTTP_API,
  headerValues,
  joined,
  queryValues,
  REGION,
  requestTime,
  sourceIp,
} from './api-context.ts';
import type { Match } from './http-routes.ts';

export type Answer = { status: number; headers: Record<string, string>; cookies: string[]; body: Buffer };
export type HttpEvent = Record<string, unknown> & { requestContext: Record<string, unknown> };

const TEXT = /^(text\/|application\/(json|javascript|xml|[^;]+\+(json|xml))\s*(;|$))/i;

/** A body of any other type, also a form's, reaches the function in base64; so do bytes that are no text. */
const bodyOf = (body: Buffer, contentType: string | undefined): { body?: string; isBase64Encoded: boolean } => {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = contentType === undefined || TEXT.test(contentType);
  const whole = text && isUtf8(body);
  return { body: body.toString(whole ? 'utf8' : 'base64'), isBase64Encoded: !whole };
};

/** The event without authorizer and body: what a Lambda authorizer and the integration have in common. */
export const httpEvent = (
  request: IncomingMessage,
  { path, query }: { path: string; query: string },
  { route, parameters }: Match,
): HttpEvent => {
  const { cookie, ...headers } = headerValues(request);
  const cookies = cookie?.flatMap((line) => line.split(/;\s*/)).filter((pair) => pair !== '');
  const now = new Date();
  const method = request.method ?? 'GET';
  const queryStringParameters = joined(queryValues(query), (all) => all.join(','));
  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath: path,
    rawQueryString: query,
    ...(cookies && { cookies }),
    headers: joined(headers, (all) => all.join(',')) ?? {},
    ...(queryStringParameters && { queryStringParameters }),
    requestContext: {
      accountId: ACCOUNT,
      apiId: HTTP_API,
      domainName: request.headers.host ?? 'localhost',
      domainPrefix: HTTP_API,
      http: {
        method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: sourceIp(request),
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: gatewayId(),
      routeKey: route.routeKey,
      stage: '$default',
      time: requestTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
  };
};

/** What the authorizer of a route is called with: the request without its body. */
export const authorizerEvent = (event: HttpEvent): Record<string, unknown> => {
  const { http } = event.requestContext as { http: { method: string; path: string } };
  const routeArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${HTTP_API}/$default/${http.method}${http.path}`;
  return { ...event, type: 'REQUEST', routeArn, identitySource: [] };
};

/** What the integration is called with. */
export const integrationEvent = (
  event: HttpEvent,
  body: Buffer,
  contentType: string | undefined,
  authorizer: Record<string, unknown> | undefined,
): HttpEvent => ({
  ...event,
  ...(authorizer && { requestContext: { ...event.requestContext, authorizer: { lambda: authorizer } } }),
  ...bodyOf(body, contentType),
});

const Result = z.object({
  statusCode: z.coerce.number().int().min(200).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

const json = { 'content-type': 'application/json' };

/** API Gateway sets these itself. */
const OWN_HEADERS = ['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'];

/**
 * A function's result as API Gateway answers it: with `statusCode` as told, anything else is a 200 with it as JSON.
 * @throws ZodError for a result with a `statusCode` that is not well formed
 */
export const toAnswer = (result: unknown): Answer => {
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const body = typeof result === 'string' ? result : JSON.stringify(result ?? null);
    return { status: 200, headers: json, cookies: [], body: Buffer.from(body) };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = Result.parse(result);
  const named = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  const kept = named.filter(([name]) => !OWN_HEADERS.includes(name));
  return {
    status: statusCode,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...Object.fromEntries(kept) },
    cookies: cookies ?? [],
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  };
};

/** An answer of the gateway itself. */
export const jsonAnswer = (status: number, body: unknown): Answer => ({
  status,
  headers: json,
  cookies: [],
  body: Buffer.from(JSON.stringify(body)),
});
