/**
 * The public HTTP edge: for machines outside that have no access token and call again when they are told to. Whoever calls is
 * nobody until the use case has verified what they sent. What is our own fault is always a 5xx: a caller that is told 4xx
 * may never come again.
 */
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { z } from 'zod';
import type { Deps } from './deps.ts';
import { invocation } from './edge.ts';
import { baseHeaders, fieldErrors, problemResponse } from './http.ts';
import { readPosted } from './json.ts';
import { problems } from './problem.ts';

type Result = APIGatewayProxyStructuredResultV2;

export type Hook<P, B> = {
  params: z.ZodType<P>;
  body: z.ZodType<B>;
  /** What a body may have, counted before anything of it is looked at. */
  bytes: number;
};

const withProblems = (): middy.MiddlewareObj<APIGatewayProxyEventV2, Result> => ({
  onError: (request) => {
    request.response = problemResponse(request.error, request.event.requestContext.requestId);
  },
});

const parse = <P, B>(route: Hook<P, B>, event: APIGatewayProxyEventV2): { params: P; body: B } => {
  const schema = z.object({ params: route.params, body: route.body });
  const parsed = schema.safeParse({ params: event.pathParameters ?? {}, body: readPosted(event, route.bytes) });
  if (!parsed.success) throw problems.invalid(fieldErrors(parsed.error));
  // Both schemas are the route's own, so what they return is what the route declared.
  return parsed.data as { params: P; body: B };
};

/** @param useCase its success is a 200 without a body; what it throws, other than a Problem, is ours to mend */
export const hook = <P, B>(
  route: Hook<P, B>,
  useCase: (request: { params: P; body: B }, deps: Deps) => Promise<void>,
) =>
  middy<APIGatewayProxyEventV2, Result, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(withProblems())
    .handler((event, context) =>
      invocation(
        context,
        async (deps) => {
          await useCase(parse(route, event), deps);
          return { statusCode: 200, headers: baseHeaders, body: '' };
        },
        { requestId: event.requestContext.requestId },
      ),
    );

export type Fetch<P, Q> = { params: z.ZodType<P>; query: z.ZodType<Q> };

/** For whoever has a link and nothing else. @param useCase what it returns is the file to be kept, for the caller alone */
export const fetching = <P, Q>(
  route: Fetch<P, Q>,
  useCase: (request: { params: P; query: Q }, deps: Deps) => Promise<{ text: string; name: string }>,
) =>
  middy<APIGatewayProxyEventV2, Result, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(withProblems())
    .handler((event, context) =>
      invocation(
        context,
        async (deps) => {
          const schema = z.object({ params: route.params, query: route.query });
          const { pathParameters: params = {}, queryStringParameters: query = {} } = event;
          const parsed = schema.safeParse({ params, query });
          // A link that is none, and one that is over, are the same.
          if (!parsed.success) throw problems.notFound();
          // Both schemas are the route's own, so what they return is what the route declared.
          const { text, name } = await useCase(parsed.data as { params: P; query: Q }, deps);
          const disposition = { 'content-disposition': `attachment; filename="${name}"` };
          return {
            statusCode: 200,
            headers: { ...baseHeaders, 'content-type': 'application/json', ...disposition },
            body: text,
          };
        },
        { requestId: event.requestContext.requestId },
      ),
    );
