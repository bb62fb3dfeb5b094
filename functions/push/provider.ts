/** What every push provider is asked and answers: the seam between our decision and APNs or FCM. */

import type { Deps } from '../../core/deps.ts';
import type { PushAddress } from '../../core/devices.ts';
import type { Tenant } from '../../core/tenants.ts';
import type { Notification } from './notification.ts';

/** What a phone is asked to do. */
export type Content =
  /** Show a notification. */
  | { type: 'show'; notification: Notification; badge: number }
  /** Take away what was shown of a stream up to a version, since it was read elsewhere. Shows nothing. */
  | { type: 'clear'; stream: string; v: number; badge: number }
  /** Bring a Live Activity up to date; its topic is derived from the app. */
  | { type: 'activity'; event: 'update' | 'end'; state: Record<string, string | number | boolean> }
  /** Ring, through PushKit; its topic is derived from the app. */
  | { type: 'call'; stream: string; v: number };

export type Push = {
  to: PushAddress;
  content: Content;
  /** The account that it is for; an app with another person signed in drops it. */
  user: string;
  /** UUIDv5 of event and device: the same for every attempt. */
  id: string;
  /** The same for every attempt: of several deliveries one is visible. At most 64 bytes. */
  collapseId: string;
  /** Unix seconds: after this nobody needs it. */
  expires: number;
  /** Looked at before each request but the first, which the sender looked for: who logged out meanwhile gets no other. */
  stillTheirs?: () => Promise<boolean>;
};

/** Which wait a retry begins with (retries.ts). */
export const patiences = [
  /** Nobody knows whether it arrived, or it surely did not: timeouts, resets, GOAWAY, faults of our own. */
  'unknown',
  /** This device, or this project, gets too much. */
  'flooded',
  /** The provider has trouble of its own. */
  'trouble',
] as const;
export type Patience = (typeof patiences)[number];

/** `reason` in codes alone, for whoever asks; `detail` in the provider's words, for the logs. */
type Why = { reason: string; detail?: string };

/** How one attempt ended. */
export type Outcome =
  /** Accepted by the provider, under the name that it gave. */
  | {
      result: 'sent';
      id: string /** It was the other environment's address. */;
      environment?: PushAddress['environment'];
    }
  /** Not now. `after`: the seconds that the provider asks for. */
  | ({ result: 'later'; patience: Patience; after?: number } & Why)
  /** Nothing can be sent for this tenant (or this app of it) until somebody mends its configuration; no token is to blame. */
  | ({ result: 'held'; scope: 'tenant' | 'app' } & Why)
  /**
   * The address is not known any more. `since`: when the provider learned so, Unix milliseconds; absent where it does not say
   * when (FCM, BadDeviceToken). A 410 without its timestamp is `since: 0`: older than every registration.
   */
  | ({ result: 'gone'; since?: number } & Why)
  /** This address does not fit the app or project that we hold for it: a mistake, maybe ours. Kept, not written to. */
  | ({ result: 'suspect' } & Why)
  /** The message itself is wrong: our bug. */
  | ({ result: 'refused' } & Why);

/** The port: one attempt, ended within its own deadline. Never throws for what a provider says or fails to say. */
export type Provider = (deps: Deps, tenant: Tenant, push: Push) => Promise<Outcome>;
