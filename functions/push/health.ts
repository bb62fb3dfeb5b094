/** How fit a device's push address is to be written to. Pure. */
import type { Device } from '../../core/devices.ts';

const DAY = 24 * 3600 * 1000;
/** An app that was not started for so long should say its address again. */
const STALE = 30 * DAY;
/** After so long FCM takes a token for expired. */
const EXPIRED = 270 * DAY;

export const healths = ['good', 'stale', 'expired', 'lost', 'suspect', 'none'] as const;
export type Health = (typeof healths)[number];

export const healthOf = ({ push, lost, suspect, registeredAt }: Device, now: Date): Health => {
  if (!push) return lost ? 'lost' : 'none';
  if (suspect) return 'suspect';
  const age = now.getTime() - Date.parse(registeredAt ?? new Date(0).toISOString());
  if (age > EXPIRED && !push.kind.startsWith('apns')) return 'expired';
  return age > STALE ? 'stale' : 'good';
};

/** What the provider said of an address that it refuses. */
export const troubleOf = ({ push, lost, suspect }: Device): string | undefined => (push ? suspect : lost)?.reason;

/** A device that never named an address has nothing to mend. */
export const actionOf = (health: Health): 'none' | 'register' =>
  health === 'good' || health === 'none' ? 'none' : 'register';
