/** What every push provider is asked and answers: the seam between our decision and APNs or FCM. */
import type { PushAddress } from '../../core/devices.ts';
import type { Notification } from './notification.ts';

export type Push = {
  to: PushAddress;
  notification: Notification;
  /** The account that it is for; an app with another person signed in drops it. */
  user: string;
  /** UUIDv5 of event and device: the same for every attempt. */
  id: string;
  /** The same for every attempt: of several deliveries one is visible. At most 64 bytes. */
  collapseId: string;
};

/**
 * - `sent`: accepted by the provider;
 * - `later`: not now; try again after so many seconds;
 * - `refused`: this address or message will not be accepted; no retry helps.
 */
export type Outcome =
  | { result: 'sent' }
  | { result: 'later'; seconds: number; reason: string }
  | { result: 'refused'; reason: string };

export const TTL_SECONDS = 28 * 24 * 3600;

/** What the app gets beside the texts: where to look, never what is there. */
export const dataOf = ({ notification: { stream, v }, user }: Push): Record<string, string> => ({
  stream,
  v: String(v),
  user,
});
