/** What an event is worth showing on a phone that is not looking, or why nothing. Pure. */
import { z } from 'zod';
import { eventName } from '../../core/keys.ts';

/** Only what a notification needs of other contexts' events; all else passes as "nothing to show". */
const Notable = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Sent'), id: z.string(), by: z.string(), text: z.string() }),
  z.object({ type: z.literal('MatchMade'), with: z.string(), conversation: z.string(), by: z.string().optional() }),
  z.object({ type: z.literal('PurchaseChanged'), product: z.string(), purchase: z.unknown().optional() }),
]);
type Notable = z.infer<typeof Notable>;
/** Said later in the same stream: an earlier event of this id is not to be shown any more. */
const Withdrawn = z.object({ type: z.enum(['Deleted', 'Hidden']), id: z.string() });

const Ended = z.object({ type: z.literal('Closed') });

/** The kinds that a person can switch. */
export const notificationKinds = ['messages', 'matches', 'purchases'] as const;
export type NotificationKind = (typeof notificationKinds)[number];

export type Notification = {
  kind: NotificationKind;
  /** Keys of texts in the app, and what fills them: the phone speaks its own language. */
  title: { key: string; args: string[] };
  body: { key: string; args: string[] };
  /** Groups notifications of one stream. */
  thread: string;
  /** 0 to 1: which of several the phone puts first. */
  relevance: number;
  /** `passive` lights no screen and makes no sound. */
  interruption: 'passive' | 'active' | 'time-sensitive';
  /** The event: `conversation:cnv_…@7`. */
  event: string;
  stream: string;
  v: number;
};

export type Preferences = {
  kinds: { [kind in NotificationKind]?: 'push' | 'none' | undefined };
  /** Local times as 22:00; `from` may be after `to`, over midnight. */
  quiet?: { from: string; to: string } | undefined;
};

/** A commit of a stream, as its reader may see it. */
export type Entry = {
  stream: string;
  v: number;
  events: readonly unknown[];
  /** What was said in the stream since. */
  later: readonly unknown[];
};

/** Who would be shown it, where. */
export type Reader = {
  person: string;
  preferences: Preferences;
  /** Until when this stream is muted, ISO 8601; `forever`. */
  muted?: string | undefined;
  isBlocked: (by: string) => boolean;
  /** Has the match that opened it ended since? */
  hasEnded?: ((conversation: string) => boolean) | undefined;
  /** The device's; without one quiet hours are taken as UTC. */
  timeZone?: string | undefined;
  /** May what was written travel in the push? */
  content: 'full' | 'ids';
  /** Does the tenant want changes of purchases to be shown? */
  purchases?: boolean | undefined;
};

export type NoNotification =
  | 'own'
  | 'nothing to show'
  | 'deleted'
  | 'blocked'
  | 'ended'
  | 'muted'
  | 'switched off'
  | 'quiet hours';

const kindOf = {
  Sent: 'messages',
  MatchMade: 'matches',
  PurchaseChanged: 'purchases',
} as const satisfies Record<Notable['type'], NotificationKind>;

const textsOf = (event: Notable, content: Reader['content']): Pick<Notification, 'title' | 'body'> => {
  switch (event.type) {
    case 'Sent':
      return content === 'full'
        ? {
            title: { key: 'message.title', args: [event.by] },
            body: { key: 'message.body', args: [event.by, event.text] },
          }
        : { title: { key: 'message.hidden.title', args: [] }, body: { key: 'message.hidden.body', args: [] } };
    case 'MatchMade':
      return content === 'full'
        ? { title: { key: 'match.title', args: [event.with] }, body: { key: 'match.body', args: [event.with] } }
        : { title: { key: 'match.hidden.title', args: [] }, body: { key: 'match.hidden.body', args: [] } };
    case 'PurchaseChanged':
      return content === 'full'
        ? {
            title: { key: 'purchase.title', args: [] },
            body: { key: event.purchase ? 'purchase.body' : 'purchase.lost.body', args: [event.product] },
          }
        : { title: { key: 'purchase.hidden.title', args: [] }, body: { key: 'purchase.hidden.body', args: [] } };
  }
};

/** How loudly it is said: what one bought is rarely news. */
const weightOf = ({ type }: Notable): Pick<Notification, 'relevance' | 'interruption'> => {
  switch (type) {
    case 'Sent':
      return { relevance: 0.5, interruption: 'active' };
    case 'MatchMade':
      return { relevance: 1, interruption: 'active' };
    case 'PurchaseChanged':
      return { relevance: 0.1, interruption: 'passive' };
  }
};

const MINUTES = 60;
const minutesOf = (time: string): number => Number(time.slice(0, 2)) * MINUTES + Number(time.slice(3, 5));

const clockIn = (now: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now);

/** Is it within the person's quiet hours, by the device's clock? `from` belongs to them, `to` does not. */
export const isQuiet = ({ quiet }: Preferences, timeZone: string, now: Date): boolean => {
  if (!quiet) return false;
  const [from, to, at] = [minutesOf(quiet.from), minutesOf(quiet.to), minutesOf(clockIn(now, timeZone))];
  return from <= to ? from <= at && at < to : from <= at || at < to;
};

const isMuted = (muted: string | undefined, now: Date): boolean =>
  muted !== undefined && (muted === 'forever' || now.toISOString() < muted);

/** Who did it: nobody is notified of what they did themselves, nor of who is blocked. */
const authorOf = (event: Notable): string | undefined => (event.type === 'PurchaseChanged' ? undefined : event.by);

/** The end of a conversation, later in its stream, or of a match: what was said before is not to be shown any more. */
const isOver = (event: Notable, { later }: Entry, reader: Reader): boolean =>
  event.type === 'Sent'
    ? later.some((each) => Ended.safeParse(each).success)
    : event.type === 'MatchMade' && (reader.hasEnded?.(event.conversation) ?? false);

/** Whom it is about, beside the reader. */
const otherOf = (event: Notable): string | undefined => {
  switch (event.type) {
    case 'Sent':
      return event.by;
    case 'MatchMade':
      return event.with;
    case 'PurchaseChanged':
      return undefined;
  }
};

const reasonAgainst = (event: Notable, entry: Entry, reader: Reader, now: Date): NoNotification | undefined => {
  const { later } = entry;
  const by = authorOf(event);
  if (by === reader.person) return 'own';
  const other = otherOf(event);
  if (other !== undefined && reader.isBlocked(other)) return 'blocked';
  if (isOver(event, entry, reader)) return 'ended';
  if (event.type === 'Sent' && later.some((each) => Withdrawn.safeParse(each).data?.id === event.id)) return 'deleted';
  if (reader.preferences.kinds[kindOf[event.type]] === 'none') return 'switched off';
  if (isMuted(reader.muted, now)) return 'muted';
  if (isQuiet(reader.preferences, reader.timeZone ?? 'UTC', now)) return 'quiet hours';
  return undefined;
};

/** Everybody beside the reader whom events that could be shown are about. */
export const othersIn = (events: readonly unknown[]): string[] => [
  ...new Set(events.flatMap((each) => Notable.safeParse(each).data ?? []).flatMap((event) => otherOf(event) ?? [])),
];

/** The first event of a commit that is worth showing decides. Texts are whole; what fits is the transport's to say. */
export const notificationOf = (entry: Entry, reader: Reader, now: Date): Notification | NoNotification => {
  const { stream, v } = entry;
  const event = entry.events.flatMap((each) => Notable.safeParse(each).data ?? [])[0];
  if (!event) return 'nothing to show';
  if (event.type === 'PurchaseChanged' && !reader.purchases) return 'nothing to show';
  const against = reasonAgainst(event, entry, reader, now);
  if (against) return against;
  return {
    kind: kindOf[event.type],
    ...textsOf(event, reader.content),
    thread: stream,
    ...weightOf(event),
    event: eventName(stream, v),
    stream,
    v,
  };
};
