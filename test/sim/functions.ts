/** Lambda: invocations as processes, with API Gateway's events for those who ask from outside. */
import { makeDeps } from '../../core/deps.ts';
import { TenantId, UserId } from '../../core/ids.ts';
import { createStandingReader } from '../../core/standing.ts';
import { admit } from '../../functions/accounts/admission.ts';
import type { Doors } from './doors.ts';
import type { Fault, Faults } from './faults.ts';
import { type Process, runAs } from './process.ts';
import type { Dice } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Loaded } from './template.ts';

export type Ended = { how: 'answered'; result: unknown } | { how: 'failed'; error: unknown } | { how: 'died' };
export type Session = { tenant: string; user: string; device: string; expires: number };
export type Actor = { tenant: string; user: string };
export type HttpRequest = {
  route: string;
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  key?: string;
  /** When the caller's token ends, Unix seconds. */
  expires?: number;
};
/** When it left the person, and when its answer did; virtual milliseconds. */
export type Asked = Actor & { route: string; began: number; ended: number; status: number };
export type HttpAnswer = { status: number; body: unknown };
type Run = { name: string; tenants: ReadonlySet<string> };

export type Functions = {
  /** Anything that is no function of the template, in a process of its own. */
  run: (name: string, work: () => Promise<unknown>) => Promise<Ended>;
  spawn: (functionId: string, event: object, run: Run) => Promise<Ended>;
  http: (name: string, actor: Actor, request: HttpRequest) => Promise<HttpAnswer>;
  /** The authorizer of the handshake. @returns whose connection it may become */
  authorize: (name: string, tenant: string, query: Record<string, string>) => Promise<Session | undefined>;
  socket: (
    route: '$connect' | '$default' | '$disconnect',
    id: string,
    session: Session,
    body?: string,
  ) => Promise<Ended>;
  /** Whose connection it is, from its handshake on. */
  sessions: Map<string, Session>;
  invokeByArn: (name: string, arn: string, event: string) => Promise<unknown>;
  /** Invocations that have not ended. */
  running: () => number;
  /** Told of every process as it starts. */
  onStart: (listener: (process: Process, event: unknown) => void) => void;
};

type Needs = {
  loaded: Loaded;
  tenants: ReadonlySet<string>;
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  doors: Doors;
  trace: (line: string) => void;
  violation: (what: string) => void;
  /** Do moderators suspend people here? Else nobody looks how people stand. */
  moderated: boolean;
  /** What people asked, and what they were answered. */
  asked: Asked[];
};

const FREEZE_MS = 20_000;
const TOKEN_SECONDS = 6 * 3600;
/** Errors that handlers may end with: what the doors threw. All others are faults of ours. */
const injected = /injected|batches failed again|records failed again|the function failed|Aggregated/;

/** What is left of a process that has answered: it goes on, freezes for a while, or is never thawed. */
const afterAnswer = (process: Process, { scheduler, dice, faults }: Needs): void => {
  const fates: Fault[] = ['crash after', 'late', 'silent'];
  const fate = faults.decide(`${process.name} answered`, fates);
  if (fate === 'crash after') process.alive = false;
  else if (fate) process.frozenUntil = scheduler.now() + dice.below(FREEZE_MS);
};

const spawner = (
  needs: Needs,
  listeners: ((process: Process, event: unknown) => void)[],
  count: { running: number },
) => {
  const { loaded, scheduler, dice, faults, doors, trace, violation } = needs;
  const names = new Map<string, number>();
  const unique = (name: string): string => {
    const n = (names.get(name) ?? 0) + 1;
    names.set(name, n);
    return n === 1 ? name : `${name}~${n}`;
  };
  type Work = { functionId: string; timeoutSeconds: number; event: unknown; run: () => Promise<unknown> };
  const start = ({ functionId, timeoutSeconds, event, run }: Work, { name, tenants }: Run): Promise<Ended> => {
    const ended = Promise.withResolvers<Ended>();
    let over = false;
    const end = (how: Ended): void => {
      if (over) return;
      over = true;
      count.running--;
      trace(`${process.name} ${how.how}`);
      ended.resolve(how);
    };
    const skew = faults.healed() ? 0 : faults.profile.skewMs;
    const process: Process = {
      ...{ name: unique(name), functionId, tenants, alive: true, frozenUntil: 0, calls: 0, doors },
      skewMs: skew === 0 ? 0 : Math.floor((dice.unit() * 2 - 1) * skew),
      die: (why) => {
        process.alive = false;
        end({ how: 'died' });
        trace(`${process.name} died: ${why}`);
      },
    };
    count.running++;
    for (const listener of listeners) listener(process, event);
    const timer = { alive: true, frozenUntil: 0 };
    scheduler.after(timeoutSeconds * 1000, {
      what: `${process.name} times out`,
      owner: timer,
      run: () => process.die('timed out'),
    });
    const work = runAs(process, run);
    work.then(
      (result) => {
        timer.alive = false;
        end({ how: 'answered', result: result === undefined ? undefined : JSON.parse(JSON.stringify(result)) });
        afterAnswer(process, needs);
      },
      (error: unknown) => {
        timer.alive = false;
        if (process.alive && !injected.test(String(error))) violation(`failed: ${process.name}: ${String(error)}`);
        end({ how: 'failed', error });
      },
    );
    return ended.promise;
  };
  const spawn: Functions['spawn'] = (functionId, event, run) => {
    const handler = loaded.handlers.get(functionId);
    const model = loaded.model.functions[functionId];
    if (!handler || !model) throw new Error(`no function ${functionId}`);
    const context = { functionName: functionId, getRemainingTimeInMillis: () => 1000 };
    const call = async (): Promise<unknown> => handler(structuredClone(event) as never, context);
    return start({ functionId, timeoutSeconds: model.timeoutSeconds, event, run: call }, run);
  };
  return { start, spawn };
};

const httpEvent = ({ route, params, query, body, key }: HttpRequest, verdict: object) => ({
  version: '2.0',
  routeKey: route,
  headers: {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  },
  ...(params ? { pathParameters: params } : {}),
  ...(query ? { queryStringParameters: query } : {}),
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  isBase64Encoded: false,
  requestContext: {
    requestId: 'request',
    routeKey: route,
    authorizer: { lambda: verdict },
  },
});

/** As a process of the authorizer remembers: all requests of a run meet the same one, with the right time. */
const standingOf = createStandingReader();

export const createFunctions = (needs: Needs): Functions => {
  const { loaded, scheduler, moderated } = needs;
  const { model } = loaded;
  const listeners: ((process: Process, event: unknown) => void)[] = [];
  const count = { running: 0 };
  const sessions = new Map<string, Session>();
  const { start, spawn } = spawner(needs, listeners, count);
  /** What the authorizer of tokens says, once the token is found good. */
  const verdictOn = async (name: string, { tenant, user }: Actor, { expires }: HttpRequest): Promise<object> => {
    const good = { tenant, user, expires: expires ?? Math.floor(scheduler.now() / 1000) + TOKEN_SECONDS };
    if (!moderated) return good;
    const verdict = { ...good, tenant: TenantId.parse(tenant), user: UserId.parse(user) };
    const deps = () => ({ ...makeDeps({ read: 0, write: 0 }), now: () => new Date(scheduler.now()) });
    const run = () => admit(deps(), standingOf, verdict);
    const work = { functionId: 'AccountsTokenAuthorizer', timeoutSeconds: 5, event: undefined, run };
    const ended = await start(work, { name: `${name} authorizer`, tenants: new Set([tenant]) });
    // API Gateway answers 500 for one that died; here the edge refuses who comes without a verdict.
    return ended.how === 'answered' ? (ended.result as object) : { refused: 'standing-unknown', detail: 'it died' };
  };
  const http: Functions['http'] = async (name, actor, request) => {
    const route = model.http.routes.find(({ routeKey }) => routeKey === request.route);
    if (!route) throw new Error(`no route ${request.route}`);
    const began = scheduler.now();
    const event = httpEvent(request, await verdictOn(name, actor, request));
    const ended = await spawn(route.functionId, event, { name, tenants: new Set([actor.tenant]) });
    if (ended.how !== 'answered') return { status: 502, body: { message: 'Bad Gateway' } };
    const { statusCode, body } = ended.result as { statusCode: number; body?: string };
    needs.asked.push({ ...actor, route: request.route, began, ended: scheduler.now(), status: statusCode });
    return { status: statusCode, body: body ? JSON.parse(body) : undefined };
  };
  const authorize: Functions['authorize'] = async (name, tenant, query) => {
    const event = { queryStringParameters: query, methodArn: 'arn:aws:execute-api:eu-west-1:0:sockets/$connect' };
    const ended = await spawn(model.sockets.authorizerId, event, { name, tenants: new Set([tenant]) });
    const { context } = (ended.how === 'answered' ? ended.result : {}) as { context?: Session };
    return context;
  };
  return {
    spawn,
    // Operators have all day.
    run: (name, work) =>
      start(
        { functionId: 'operator', timeoutSeconds: 24 * 3600, event: undefined, run: work },
        { name, tenants: needs.tenants },
      ),
    http,
    authorize,
    sessions,
    running: () => count.running,
    onStart: (listener) => void listeners.push(listener),
    socket: (route, connectionId, session, body) => {
      const found = model.sockets.routes[route];
      if (!found) throw new Error(`no route ${route}`);
      const event = {
        requestContext: { connectionId, authorizer: session },
        isBase64Encoded: false,
        ...(body === undefined ? {} : { body }),
      };
      return spawn(found.functionId, event, { name: `${route} ${connectionId}`, tenants: new Set([session.tenant]) });
    },
    invokeByArn: async (name, arn, text) => {
      const id = arn.split(':').at(-1) ?? '';
      const ended = await spawn(id, JSON.parse(text), { name: `${name} ${id}`, tenants: needs.tenants });
      if (ended.how === 'answered') return ended.result;
      throw new Error('injected: the function failed');
    },
  };
};
