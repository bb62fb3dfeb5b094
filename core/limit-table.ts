/**
 * The named limits: how often one person may ask for something. Generous to people and narrow for programs. A tenant changes the
 * numbers in its file (`limits`). Pure.
 */
import { z } from 'zod';

export type Limit = {
  /** So many at once, */
  burst: number;
  /** and then one more every so many seconds. */
  everySeconds: number;
  /** When the database does not answer: `open` lets the request pass, `closed` refuses it with 503. */
  fails: 'open' | 'closed';
  /**
   * So many within ten seconds each process grants a person without asking the database, beside the limit. For what costs about as
   * little as the counting: a flood is beyond it at once, wherever it lands.
   */
  free?: number;
};

/** Also for routes: `limit: '<name>'`. What people say or do to protect themselves never waits for our trouble. */
export const limits = {
  // Messaging.
  messages: { burst: 60, everySeconds: 1, fails: 'open' },
  /** Read marks and mutes. */
  marks: { burst: 120, everySeconds: 1, fails: 'open', free: 5 },
  // Reading: lists, one's own settings, what became of a push.
  reads: { burst: 120, everySeconds: 0.5, fails: 'open', free: 5 },
  sync: { burst: 60, everySeconds: 1, fails: 'open', free: 3 },
  presence: { burst: 30, everySeconds: 2, fails: 'open' },
  // Sockets: handshakes by their tickets; frames of one device's connection, which may acknowledge every stream at once.
  tickets: { burst: 20, everySeconds: 10, fails: 'open' },
  frames: { burst: 1200, everySeconds: 0.1, fails: 'open', free: 20 },
  // Devices and settings.
  devices: { burst: 20, everySeconds: 30, fails: 'open' },
  /** Whoever loses a phone ends it at once. */
  logouts: { burst: 60, everySeconds: 10, fails: 'open' },
  receipts: { burst: 120, everySeconds: 1, fails: 'open' },
  preferences: { burst: 20, everySeconds: 10, fails: 'open' },
  // Accounts.
  profile: { burst: 20, everySeconds: 10, fails: 'open' },
  /** Of other people, by id: guessing must be slow. */
  lookups: { burst: 100, everySeconds: 2, fails: 'closed' },
  media: { burst: 20, everySeconds: 30, fails: 'closed' },
  exports: { burst: 2, everySeconds: 12 * 3600, fails: 'closed' },
  erasure: { burst: 5, everySeconds: 60, fails: 'open' },
  // Matching.
  reactions: { burst: 100, everySeconds: 1, fails: 'open' },
  deck: { burst: 30, everySeconds: 2, fails: 'open' },
  unmatches: { burst: 30, everySeconds: 10, fails: 'open' },
  // Safety.
  blocks: { burst: 60, everySeconds: 2, fails: 'open' },
  reports: { burst: 20, everySeconds: 60, fails: 'open' },
  // Purchases: each claim is verified and kept for ever.
  purchases: { burst: 60, everySeconds: 10, fails: 'closed' },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;
export const limitNames = Object.keys(limits) as [LimitName, ...LimitName[]];

const DAY_SECONDS = 24 * 3600;
/** What a tenant may say otherwise: the numbers, and not what fails. */
export const LimitNumbers = z
  .strictObject({
    burst: z.int().min(1).max(100_000),
    everySeconds: z.number().min(0.01).max(DAY_SECONDS),
  })
  .partial();

export const TenantLimits = z.partialRecord(z.enum(limitNames), LimitNumbers);

/** The next may come in so many whole seconds, at least 1. */
export type Wait = { retryAfter: number };
export const secondsUntil = (then: number, now: number): number => Math.max(1, Math.ceil((then - now) / 1000));
