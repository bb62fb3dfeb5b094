/** When somebody whom one has answered is shown again. Pure. */
import type { Seen } from './seen.ts';

const DAY_MS = 24 * 3600 * 1000;
/** "Not now" means another day. */
const LATER_DAYS = 1;

type Policy = { passExpiresDays: number; rematch: boolean };

/** Is it as if they had never met? */
export const isOver = ({ type, at }: Seen, { passExpiresDays, rematch }: Policy, now: Date): boolean => {
  const isPast = (days: number): boolean => Date.parse(at) + days * DAY_MS <= now.getTime();
  switch (type) {
    case 'none':
      return true;
    case 'pass':
      return isPast(passExpiresDays);
    case 'later':
      return isPast(LATER_DAYS);
    case 'unmatched':
      return rematch && isPast(passExpiresDays);
    case 'like':
    case 'super-like':
    case 'matched':
    case 'blocked':
      return false;
  }
};
