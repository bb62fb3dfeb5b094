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
  stream: string;
  v: number;
  process: string;
};

export type Phones = {
  accepted: Accepted[];
  /** @throws when the answer is lost */
  receive: (process: Process, tenant: string, push: Push, fault: Fault | undefined) => Outcome;
};

/** @param look told of every push that a provider is asked to show, whatever it answers */
export const createPhones = (look: (process: Process, accepted: Accepted) => void): Phones => {
  const accepted: Accepted[] = [];
  return {
    accepted,
    receive: (process, tenant, { to, user, id, collapseId, notification: { stream, v } }, fault) => {
      assert(collapseId.length <= 64, 'APNs takes at most 64 bytes');
      if (fault === 'later') return { result: 'later', seconds: 60, reason: '429 TooManyRequests' };
      if (fault === 'refused') return { result: 'refused', reason: '410 Unregistered' };
      if (fault === 'lost before') throw timeout();
      const push = { tenant, to: to.value, user, id, collapseId, stream, v, process: process.name };
      accepted.push(push);
      look(process, push);
      if (fault === 'lost after') throw timeout();
      return { result: 'sent' };
    },
  };
};
