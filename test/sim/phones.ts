/** APNs and FCM, and the notification centres behind them: what was accepted for whom, and what is visible. */
import { assert } from '../../core/assert.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import { timeout } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Process } from './process.ts';

export type Accepted = {
  tenant: string;
  /** The push address. */
  to: string;
  user: string;
  id: string;
  collapseId: string;
  what: 'show' | 'clear';
  stream: string;
  v: number;
  process: string;
};

export type Phones = {
  accepted: Accepted[];
  /** Addresses that a provider said it knows no more, and when: what was registered before may be taken away. */
  dead: { tenant: string; address: string; at: number }[];
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

/** @param look told of every push that a provider is asked to show, whatever it answers */
export const createPhones = (now: () => number, look: (process: Process, accepted: Accepted) => void): Phones => {
  const accepted: Accepted[] = [];
  const dead: Phones['dead'] = [];
  return {
    accepted,
    dead,
    receive: (process, tenant, { to, user, id, collapseId, content }, fault) => {
      assert(collapseId.length <= 64, 'APNs takes at most 64 bytes');
      assert(content.type === 'show' || content.type === 'clear', 'nothing else is sent');
      if (KILLS.includes(fault)) dead.push({ tenant, address: to.value, at: now() });
      const refused = refusal(fault, now());
      if (refused) return refused;
      if (fault === 'lost before') throw timeout();
      const { stream, v } = content.type === 'show' ? content.notification : content;
      const push = { tenant, to: to.value, user, id, collapseId, what: content.type, stream, v, process: process.name };
      accepted.push(push);
      look(process, push);
      if (fault === 'lost after') throw timeout();
      return { result: 'sent', id };
    },
  };
};
