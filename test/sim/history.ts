/** What people asked for and what they were told: the other half of every check. */
import type { Deed } from '../matching/model.ts';

/** How an attempt's answer reads: it is done; surely nothing was written by it; nobody knows. */
export type Told = 'done' | 'nothing' | 'unknown';

export type Sent = {
  tenant: string;
  user: string;
  device: string;
  conversation: string;
  key: string;
  text: string;
  attempts: Told[];
  /** What the first good answer said; every later one must say the same. */
  answer?: { version: number; number: number } | undefined;
};
export type Felt = Wish & {
  about: string;
  type: Deed;
  key: string;
  answer?: { matched: boolean; conversationId?: string | undefined } | undefined;
};
export type Read = { tenant: string; user: string; conversation: string; upTo: number; told: Told };
/** How it went with something that is wished as a whole, and replaces what was wished before; virtual milliseconds. */
export type Wish = {
  tenant: string;
  user: string;
  attempts: Told[];
  asked: number;
  /** When it was first answered that it is so. */
  from?: number;
  /** When the last attempt ended. */
  over?: number;
};
/** `until` is undefined for the end of a mute. */
export type Muted = Wish & { conversation: string; until: string | undefined; told: Told };
export type Preferred = Wish & { preferences: Preferences };
export type Preferences = {
  kinds: { messages?: 'push' | 'none'; matches?: 'push' | 'none' };
  quiet?: { from: string; to: string };
};
/** When a push address began and ceased to be a device's, as far as its person was told; virtual milliseconds. */
export type Registered = {
  tenant: string;
  user: string;
  device: string;
  address: string;
  /**
   * An earlier logout of the device got no answer and may still run: then it may log out this registration too. Of two that
   * race the logout wins, for a push that reaches nobody is better than one that reaches the wrong one.
   */
  isDoubtful: () => boolean;
  /** When the first request was made, and when it was answered. */
  asked: number;
  from?: number;
  /** When its end was first asked for (logout here, or a registration elsewhere), and when that was answered. */
  endAsked?: number;
  until?: number;
};

/** A purchase that somebody showed as theirs; `mine` is what they were told. */
export type Claimed = { tenant: string; user: string; original: string; attempts: Told[]; mine: boolean | undefined };

export type History = {
  sent: Sent[];
  felt: Felt[];
  read: Read[];
  muted: Muted[];
  preferred: Preferred[];
  registered: Registered[];
  claimed: Claimed[];
};
export const createHistory = (): History => ({
  ...{ sent: [], felt: [], read: [], muted: [], preferred: [], registered: [], claimed: [] },
});

/** Of all attempts of one command. */
export const outcomeOf = (attempts: readonly Told[]): Told => {
  if (attempts.includes('done')) return 'done';
  return attempts.every((each) => each === 'nothing') ? 'nothing' : 'unknown';
};
