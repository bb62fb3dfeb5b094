/**
 * The HTTP edge: token → actor → rate limit → body limits → zod → use case → 2xx or problem details. The only place in
 * which errors become responses.
 */
import middy from '@middy/core';
import type {
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import { z } from 'zod';
import { Verdict } from './authorizer.ts';
import { isThrottle } from './ddb.ts';
import { isRejection, type Rejection } from './decider.ts';
import type { Deps } from './deps.ts';
import { invocation } from './edge.ts';
import { type Actor, CommandId } from './ids.ts';
import { readBody } from './json.ts';
import type { LimitName } from './limit-table.ts';
import { keepLimit } from './limits.ts';
import { type FieldError, Problem, problems } from './problem.ts';
import { refusalOf, Standing, standingAt } from './standing.ts';

export type HttpEvent = APIGatewayProxyEventV2WithLambdaAuthorizer<Record<string, unknown>>;
type Result = APIGatewayProxyStructuredResultV2;

export type Request<P, Q, B> = {
  params: P;
  query: Q;
  body: B;
  actor: Actor;
  /** Unix seconds: the end of the caller's access token. */
  expires: number;
  /** The Idempotency-Key, or a fresh id where a route doesn't need one. */
  commandId: string;
};

export type Route<P, Q, B, O, R extends string> = {
  params?: z.ZodType<P>;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  /** What may leave, and nothing else. */
  output: z.ZodType<O>;
  /** The status of success; 200 unless said. 204 sends no body. */
  status?: 200 | 201 | 202 | 204;
  /** How often one person may ask for it (core/limit-table.ts). */
  limit?: LimitName;
  /** Must the request carry an Idempotency-Key? */
  idempotent?: boolean;
  /** Is it also for people who are suspended or banned? What is theirs by law or paid for, and nothing that others see. */
  inAnyStanding?: boolean;
  /** How each broken rule is said to the client. */
  refusals?: Record<R, { status: 403 | 404 | 409 | 422; detail: string; field?: string }>;
};

/** Zod's issue as field and rule; unknown and missing fields are named themselves. */
const fieldError = (issue: z.core.$ZodIssue): FieldError => {
  const field = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return { field: `${field}.${issue.keys[0]?.slice(0, 100)}`, rule: 'is not known here' };
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return { field, rule: 'is needed' };
  return { field, rule: issue.message.slice(0, 200) };
};

export const fieldErrors = (error: z.ZodError): FieldError[] => error.issues.slice(0, 10).map(fieldError);

const unauthenticated = (code: string, detail: string): Problem => new Problem({ status: 401, code, detail });

type Known = Exclude<Verdict, { refused: string }>;

/** What time may mend says so. */
const refusedBy = ({ refused: code, detail }: Extract<Verdict, { refused: string }>): Problem => {
  if (code === 'issuer-unavailable') return new Problem({ status: 503, code, detail, retryAfter: 10 });
  if (code === 'standing-unknown') return new Problem({ status: 503, code: 'busy', detail, retryAfter: 1 });
  return new Problem({ status: 401, code, detail, ...(code === 'key-unknown' ? { retryAfter: 10 } : {}) });
};

/** @throws Problem `suspended`, `banned`, `erased` */
const checkStanding = ({ standing: is, until }: Known, inAnyStanding: boolean, deps: Deps): void => {
  const standing = is && standingAt(Standing.parse({ is, until }), deps.now());
  if (!standing || standing.is === 'good' || (inAnyStanding && standing.is !== 'erased')) return;
  throw refusalOf(standing);
};

const actorOf = (event: HttpEvent, deps: Deps, inAnyStanding: boolean): { actor: Actor; expires: number } => {
  const verdict = Verdict.safeParse(event.requestContext.authorizer?.lambda);
  if (!verdict.success) throw unauthenticated('unauthenticated', 'Send an access token as `Authorization: Bearer …`.');
  if ('refused' in verdict.data) throw refusedBy(verdict.data);
  const { tenant, user, expires } = verdict.data;
  if (expires * 1000 <= deps.now().getTime())
    throw unauthenticated('token-expired', 'The access token has expired. Get a new one and send the request again.');
  checkStanding(verdict.data, inAnyStanding, deps);
  return { actor: { tenant, user }, expires };
};

const commandIdOf = (event: HttpEvent, deps: Deps, required: boolean): string => {
  const header = event.headers['idempotency-key'];
  if (header === undefined && !required) return deps.random.id();
  const parsed = CommandId.safeParse(header);
  if (parsed.success) return parsed.data;
  const rule =
    header === undefined
      ? 'is needed: a fresh id for each new command, the same for its retries'
      : parsed.error.issues[0]?.message;
  throw problems.invalid([{ field: 'headers.idempotency-key', rule: rule ?? 'is not valid' }]);
};

const none = z.strictObject({});
const noBody = z.undefined({ error: 'must be empty: this route takes no body' });

const parseRequest = <P, Q, B, O, R extends string>(
  route: Route<P, Q, B, O, R>,
  event: HttpEvent,
  deps: Deps,
  { actor, expires }: Pick<Request<P, Q, B>, 'actor' | 'expires'>,
): Request<P, Q, B> => {
  const commandId = commandIdOf(event, deps, route.idempotent ?? false);
  const schema = z.object({ params: route.params ?? none, query: route.query ?? none, body: route.body ?? noBody });
  const parsed = schema.safeParse({
    params: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    body: readBody(event),
  });
  if (!parsed.success) throw problems.invalid(fieldErrors(parsed.error));
  // The three schemas are the route's own, so what they return is what the route declared.
  return { ...(parsed.data as { params: P; query: Q; body: B }), actor, expires, commandId };
};

export const baseHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** After a commit nothing throws any more, so a throttled call means that nothing was written. */
const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  return isThrottle(error) ? problems.busy() : problems.internal();
};

export const problemResponse = (error: unknown, requestId: string): Result => {
  const { status, code, detail, errors, retryAfter, until } = toProblem(error).init;
  return {
    statusCode: status,
    headers: {
      ...baseHeaders,
      'content-type': 'application/problem+json',
      ...(retryAfter ? { 'retry-after': String(retryAfter) } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify({
      ...{ type: `urn:chorus:problem:${code}`, status, code, detail, until, errors, requestId },
      ...(status === 429 ? { retryAfter } : {}),
    }),
  };
};

const success = (status: number, output: unknown): Result =>
  status === 204
    ? { statusCode: 204, headers: baseHeaders }
    : {
        statusCode: status,
        headers: { ...baseHeaders, 'content-type': 'application/json' },
        body: JSON.stringify(output),
      };

const said = <R extends string>(refusals: Route<never, never, never, never, R>['refusals'], rejected: R): Problem => {
  const refusal = refusals?.[rejected];
  if (!refusal) throw new Error(`no words for the rejection ${rejected}`);
  if (refusal.status === 404) return problems.notFound();
  const { status, detail, field } = refusal;
  return new Problem({ code: rejected, status, detail, ...(field ? { errors: [{ field, rule: detail }] } : {}) });
};

/** Nothing but a Problem is told to the client; everything else becomes a bare 500. */
const withProblems = (): middy.MiddlewareObj<HttpEvent, Result> => ({
  onError: (request) => {
    request.response = problemResponse(request.error, request.event.requestContext.requestId);
  },
});

/** The use case with what it needs, and the deployable shell around it. */
export const http = <P, Q, B, O, R extends string = never>(
  route: Route<P, Q, B, O, R>,
  useCase: (request: Request<P, Q, B>, deps: Deps) => Promise<O | Rejection<R>>,
) =>
  middy<HttpEvent, Result, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(withProblems())
    .handler((event, context) =>
      invocation(
        context,
        async (deps) => {
          const caller = actorOf(event, deps, route.inAnyStanding ?? false);
          // Before the request is read: bad input costs a token like any other, or it could be sent without end.
          if (route.limit) await keepLimit(deps, caller.actor, route.limit);
          const result = await useCase(parseRequest(route, event, deps, caller), deps);
          if (isRejection<O, R>(result)) throw said(route.refusals, result.rejected);
          return success(route.status ?? 200, route.output.parse(result));
        },
        { requestId: event.requestContext.requestId },
      ),
    );
