/**
 * Faults that a test or a person at a laptop asks the local APNs and FCM for: by provider, for every token or one.
 * Those for one token come before those for all, and each of both in the order in which they were asked for.
 */
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { apnsFaults } from './apns-rules.ts';
import { fcmFaults } from './fcm-rules.ts';

/** What `slow` waits, where nothing else is said. */
export const SLOW_MS = 2_000;

const known = { apns: apnsFaults, fcm: fcmFaults };
export type ProviderName = keyof typeof known;

const Fault = z.strictObject({
  provider: z.enum(['apns', 'fcm']),
  fault: z.string(),
  /** Exactly this one; without it, every token. */
  token: z.string().min(1).max(4096).optional(),
  /** For ever, if nothing is said. */
  times: z.int().min(1).max(1_000_000).optional(),
  /** How long `slow` waits. */
  ms: z.int().min(0).max(600_000).optional(),
  /** Since when a token is no more, in milliseconds; for APNs' 410. */
  timestamp: z.int().min(0).optional(),
});
export type Fault = z.infer<typeof Fault>;

export type Faults = {
  /** The one that a request to this token meets; it counts as used. */
  next(provider: ProviderName, token: string): Fault | undefined;
  list(): Fault[];
  add(fault: Fault): void;
  clear(): void;
};

/** @returns a sentence about what is wrong, with the names to choose from where the name is */
export const parseFault = (body: unknown): Fault | { detail: string; known?: string[] } => {
  const parsed = Fault.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { detail: `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not a fault'}` };
  }
  const { provider, fault, token, ms, timestamp } = parsed.data;
  const names = known[provider];
  if (!names.includes(fault)) return { detail: `fault: must be one of ${names.join(', ')}`, known: names };
  if (ms !== undefined && fault !== 'slow') return { detail: 'ms: is for the fault slow' };
  if (timestamp !== undefined && !(fault === 'Unregistered' || fault === 'ExpiredToken'))
    return { detail: 'timestamp: is for the faults Unregistered and ExpiredToken' };
  return { ...parsed.data, ...(token !== undefined && provider === 'apns' && { token: token.toLowerCase() }) };
};

/** In memory: the end of the process is the end of every fault. */
export const createFaults = (): Faults => {
  let faults: Fault[] = [];
  const use = (used: Fault): void => {
    if (used.times === undefined) return;
    const left = used.times - 1;
    faults = faults.flatMap((each) => (each !== used ? each : left > 0 ? { ...each, times: left } : []));
  };
  return {
    next: (provider, token) => {
      const own = faults.filter((fault) => fault.provider === provider);
      const met = own.find((fault) => fault.token === token) ?? own.find((fault) => fault.token === undefined);
      if (met) use(met);
      return met;
    },
    list: () => [...faults],
    add: (fault) => {
      faults = [...faults, fault];
    },
    clear: () => {
      faults = [];
    },
  };
};

/** Waits; not longer than the stream is there. */
export const linger = (ms: number, stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stream.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stream.once('close', done);
    if (stream.destroyed) done();
  });
