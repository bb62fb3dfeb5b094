/**
 * How the App Store delivers: 200 to 206 is success; in production five more attempts 1, 12, 24, 48 and 72 hours after the one before,
 * but none after a 400; in the sandbox one attempt alone. An hour is as long as it is told to be.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Busy, createBusy } from '../gateway/body.ts';
import type { Attempt, Notice, Notices } from './appstore-book.ts';
import type { AppStoreFaults } from './appstore-faults.ts';

const WAIT_HOURS = [1, 12, 24, 48, 72];
/** Apple gives up waiting long before thirty seconds. */
const DEADLINE_MS = 10_000;
const BAD_REQUEST = 400;

type Options = {
  notices: Pick<Notices, 'attempted'>;
  faults: AppStoreFaults;
  /** Where the tenant's server is. */
  url: (tenant: string) => string;
  hourMs: number;
  now: () => number;
};

export type Delivery = {
  /** What was tried before goes on from there; what is done stays done. */
  send: (notice: Notice) => void;
  /** Nothing is on its way; what waits for its next attempt does not count. */
  idle: () => boolean;
  close: () => void;
};

type State = Options & { busy: Busy; timers: Set<NodeJS.Timeout>; ended: AbortController };
type Result = Omit<Attempt, 'at'>;

const post = async ({ url, ended }: State, { tenant, signedPayload }: Notice): Promise<Result> => {
  try {
    const response = await fetch(url(tenant), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ signedPayload }),
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ended.signal]),
    });
    await response.body?.cancel();
    const { status } = response;
    return { result: status >= 200 && status <= 206 ? 'SUCCESS' : 'UNSUCCESSFUL_HTTP_RESPONSE_CODE', status };
  } catch (error) {
    return { result: error instanceof Error && error.name === 'TimeoutError' ? 'TIMED_OUT' : 'NO_RESPONSE' };
  }
};

/** @returns after how many hours it is tried again; undefined for never */
export const nextAttempt = ({ environment, attempts }: Pick<Notice, 'environment' | 'attempts'>) => {
  const last = attempts.at(-1);
  return last?.result === 'SUCCESS' || last?.status === BAD_REQUEST || environment === 'Sandbox'
    ? undefined
    : WAIT_HOURS[attempts.length - 1];
};

const later = ({ timers }: State, ms: number, run: () => void): void => {
  const timer = setTimeout(() => {
    timers.delete(timer);
    run();
  }, ms);
  timers.add(timer);
};

const transmit = async (state: State, notice: Notice, fault: string | undefined): Promise<Result> => {
  if (fault === 'lose') return { result: 'NO_RESPONSE' };
  if (fault === 'duplicate') await post(state, notice);
  const result = await post(state, notice);
  return fault === 'forget' ? { result: 'TIMED_OUT' } : result;
};

const tryLater = (state: State, notice: Notice): void => {
  const hours = nextAttempt(notice);
  if (hours === undefined) return;
  const again = (): Promise<void> => attempt(state, notice, state.faults.next('delivery', notice.tenant)?.fault);
  later(state, hours * state.hourMs, () => void state.busy.track(again()));
};

/** Whoever is asked when it ends knows nothing of it: it is tried again after the next start. */
const attempt = async (state: State, notice: Notice, fault?: string): Promise<void> => {
  if (state.ended.signal.aborted) return;
  const result = await transmit(state, notice, fault);
  if (!state.ended.signal.aborted) tryLater(state, state.notices.attempted(notice, { at: state.now(), ...result }));
};

/** One after the other, as they were made; what is delayed or comes out of turn holds up nobody. */
export const createDelivery = (options: Options): Delivery => {
  const state: State = { ...options, busy: createBusy(), timers: new Set(), ended: new AbortController() };
  let line: Promise<void> = Promise.resolve();
  let held: (() => void)[] = [];
  const release = (): void => {
    for (const go of held.splice(0)) go();
  };
  const holdBack = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      held.push(resolve);
      later(state, ms, resolve);
    });
  const first = (notice: Notice): void => {
    const met = state.faults.next('delivery', notice.tenant);
    const run = (): Promise<void> => attempt(state, notice, met?.fault);
    if (met?.fault === 'delay') void state.busy.track(sleep(met.ms).then(run));
    else if (met?.fault === 'reorder') void state.busy.track(holdBack(met.ms).then(run));
    else line = state.busy.track(line.then(run).finally(release));
  };
  return {
    send: (notice) => (notice.attempts.length === 0 ? first(notice) : tryLater(state, notice)),
    idle: () => state.busy.count() === 0,
    close: () => {
      state.ended.abort();
      for (const timer of state.timers) clearTimeout(timer);
      release();
      held = [];
    },
  };
};
