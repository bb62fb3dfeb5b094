/** APNs and FCM, and the notification centres behind them: what was accepted for whom, and what is visible. */
import { assert } from '../../core/assert.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import { timeout } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Process } from './process.ts';

/** What a push job found as it began: it must know that at least. */
export type Found = {
  device: string;
  /** When, in virtual milliseconds, and after which write. */
  began: number;
  seq: number;
  /** Of the registration that it sends to; undefined if another came while it ran. */
  registeredAt: string | undefined;
};
export type Asked = {
  tenant: string;
  /** The push address. */
  to: string;
  user: string;
  id: string;
  collapseId: string;
  what: 'show' | 'clear';
  stream: string;
  v: number;
  badge: number;
  process: string;
  at: number;
  /** The newest write by then. */
  seq: number;
  found: Found | undefined;
};
export type Dead = Asked & { reason: string; since?: number };

export type Phones = {
  accepted: Asked[];
  /** Of addresses that a provider said it knows no more: what was registered before may be taken away. */
  dead: Dead[];
  /** @throws when the answer is lost */
  receive: (process: Process, tenant: string, push: Push, fault: Fault | undefined) => Outcome;
};

/** Long before anybody registered. */
const LONG_AGO = Date.parse('2020-01-01T00:00:00Z');

/** What a provider answers instead of accepting. */
const refusal = (fault: Fault | undefined, now: number): Outcome | undefined => {
  switch (fault) {
    case 'later':
      return { result: 'later', patience: 'flooded', reason: '429 TooManyRequests', after: 60 };
    case 'trouble':
      return { result: 'later', patience: 'trouble', reason: '503 ServiceUnavailable' };
    case 'held':
      return { result: 'held', scope: 'tenant', reason: '403 InvalidProviderToken' };
    case 'unregistered':
      return { result: 'gone', reason: '410 Unregistered', since: now };
    case 'unregistered before':
      return { result: 'gone', reason: '410 Unregistered', since: LONG_AGO };
    case 'bad token':
      return { result: 'gone', reason: '400 BadDeviceToken' };
    default:
      return undefined;
  }
};

const KILLS: readonly (Fault | undefined)[] = ['unregistered', 'bad token'];

type Now = { time: () => number; seq: () => number };
/** Told of every push that a provider is asked for, whatever it answers. */
export type Look = (process: Process, push: Omit<Asked, 'found'>) => Found | undefined;

export const createPhones = (now: Now, look: Look): Phones => {
  const accepted: Asked[] = [];
  const dead: Phones['dead'] = [];
  return {
    accepted,
    dead,
    receive: (process, tenant, { to, user, id, collapseId, content }, fault) => {
      assert(collapseId.length <= 64, 'APNs takes at most 64 bytes');
      assert(content.type === 'show' || content.type === 'clear', 'nothing else is sent');
      const { stream, v } = content.type === 'show' ? content.notification : content;
      const what = { tenant, to: to.value, user, id, collapseId, what: content.type, stream, v, badge: content.badge };
      const about = { ...what, process: process.name, at: now.time(), seq: now.seq() };
      const push = { ...about, found: look(process, about) };
      const refused = refusal(fault, now.time());
      if (refused?.result === 'gone' && KILLS.includes(fault)) {
        const { reason, since } = refused;
        dead.push({ ...push, reason, ...(since === undefined ? {} : { since }) });
      }
      if (refused) return refused;
      if (fault === 'lost before') throw timeout();
      accepted.push(push);
      if (fault === 'lost after') throw timeout();
      return { result: 'sent', id };
    },
  };
};
