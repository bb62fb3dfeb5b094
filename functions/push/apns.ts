/**
 * One push to APNs, over a connection for each tenant, key and environment: a connection belongs to one team and key. The
 * library @parse/node-apn only writes the payload (platforms-apns.ts); sending is ours (apns-session.ts says why).
 */
import type { Deps } from '../../core/deps.ts';
import { readSecret } from '../../core/secrets.ts';
import type { Answer } from './apns-answer.ts';
import { type ApnsSession, createApnsSession } from './apns-session.ts';
import { type Apns, createProviderTokens, type ProviderToken } from './apns-token.ts';
import { type Verdict, verdictOf } from './apns-verdicts.ts';
import { toApns } from './platforms-apns.ts';
import type { Outcome, Provider, Push } from './provider.ts';

type Environment = Push['to']['environment'];
/** What one push has at hand on its way. */
type Trip = { deps: Deps; apns: Apns; tenant: string; push: Push; request: ReturnType<typeof toApns> };

const sessions = new Map<string, ApnsSession>();
let tokens = createProviderTokens(readSecret);

const sessionOf = ({ deps, apns, tenant }: Trip, environment: Environment): ApnsSession => {
  const key = JSON.stringify([tenant, environment, apns.keyId, apns[environment]]);
  const session = sessions.get(key) ?? createApnsSession(apns[environment], { wall: () => deps.now().getTime() });
  sessions.set(key, session);
  return session;
};

const ask = (trip: Trip, environment: Environment, { token }: ProviderToken): Promise<Answer> => {
  const { request, push } = trip;
  const headers = { ...request.headers, authorization: `bearer ${token}` };
  return sessionOf(trip, environment).send({ token: push.to.value, headers, body: request.body });
};

/** It is somebody else's by now: what the next look says, it says without a request. */
const left: Outcome = { result: 'later', patience: 'unknown', reason: 'no longer theirs' };
const isTheirs = async ({ push }: Trip): Promise<boolean> => (await push.stillTheirs?.()) ?? true;

/** Asks, and once more where that may help: on a new connection, or with a new token. */
const attempt = async (trip: Trip, environment: Environment): Promise<Verdict> => {
  const { deps, apns, push } = trip;
  const token = await tokens.current(deps, apns);
  const first = verdictOf(await ask(trip, environment, token), push.id, deps.now());
  if (first.renew) sessionOf(trip, environment).renew();
  if (first.pause) await tokens.pause(deps, apns);
  if (first.once !== 'new-connection' && first.once !== 'new-token') return first;
  const other = first.once === 'new-token' ? await tokens.refresh(deps, apns, token) : token;
  if (!other) return first;
  if (!(await isTheirs(trip))) return { outcome: left };
  const second = verdictOf(await ask(trip, environment, other), push.id, deps.now());
  if (second.renew) sessionOf(trip, environment).renew();
  return second;
};

const otherOf = (environment: Environment): Environment => (environment === 'production' ? 'sandbox' : 'production');

/** What two environments say together of an address that the first does not know. Only if both know it not, it is gone. */
const together = (first: Outcome, second: Outcome, other: Environment): Outcome => {
  switch (second.result) {
    case 'sent':
      return { ...second, environment: other };
    case 'later':
    case 'refused':
      return second;
    case 'held':
      return { result: 'suspect', reason: 'reason' in first ? first.reason : second.reason };
    case 'gone':
    case 'suspect':
      return first;
  }
};

const send = async (trip: Trip): Promise<Outcome> => {
  const { environment, kind } = trip.push.to;
  const { outcome, once } = await attempt(trip, environment);
  if (once !== 'other-environment' || kind !== 'apns') return outcome;
  if (!(await isTheirs(trip))) return left;
  // The app may have told us the wrong environment; the address is good if the other one takes it.
  const other = otherOf(environment);
  const flipped = await attempt(trip, other);
  return together(outcome, flipped.outcome, other);
};

/** What keeps us from having a provider token. Never the error's own words: they may quote the key. */
const withoutToken = (error: unknown): Outcome => {
  const name = error instanceof Error ? error.name : 'unknown';
  const isOurs =
    name === 'ParameterNotFound' || (error instanceof Error && /DECODER|ERR_(OSSL|CRYPTO)/.test(codeOf(error)));
  return isOurs
    ? { result: 'held', scope: 'tenant', reason: `the APNs key is missing or unreadable: ${name}` }
    : { result: 'later', patience: 'unknown', reason: `there is no provider token: ${name}` };
};

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '');

export const sendToApns: Provider = async (deps, tenant, push) => {
  const { apns } = tenant.push;
  if (!apns) return { result: 'held', scope: 'tenant', reason: 'the tenant has no APNs' };
  const request = toApns(push, deps.now());
  try {
    return await send({ deps, apns, tenant: tenant.tenant, push, request });
  } catch (error) {
    return withoutToken(error);
  }
};

/** Ends all connections and forgets the tokens. */
export const closeApns = (): void => {
  for (const session of sessions.values()) session.close();
  sessions.clear();
  tokens = createProviderTokens(readSecret);
};
