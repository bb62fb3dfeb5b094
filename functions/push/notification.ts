/** What an event is worth showing on a phone that is not looking, or why nothing. Pure. */
import { z } from 'zod';
import type { UserId } from '../../core/ids.ts';

const PREVIEW_CHARACTERS = 200;

/** Only what a notification needs of other contexts' events; all else passes as "nothing to show". */
const Notable = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Sent'), by: z.string(), text: z.string() }),
  z.object({ type: z.literal('MatchMade'), with: z.string() }),
]);

export type Notification = {
  /** Keys of texts in the app, and what fills them: the phone speaks its own language. */
  titleKey: string;
  bodyKey: string;
  args: string[];
  /** Groups notifications of one stream. */
  thread: string;
  /** The event: `<stream>@<version>`. */
  event: string;
  stream: string;
  v: number;
};

export type NoNotification = 'own' | 'nothing to show';

type About = { viewer: UserId; stream: string; v: number };

const preview = (text: string): string => {
  const characters = [...text];
  return characters.length <= PREVIEW_CHARACTERS ? text : `${characters.slice(0, PREVIEW_CHARACTERS - 1).join('')}…`;
};

/** The first event of a commit that is worth showing decides. */
export const notificationOf = (
  events: readonly unknown[],
  { viewer, stream, v }: About,
): Notification | NoNotification => {
  const base = { thread: stream, event: `${stream}@${v}`, stream, v };
  for (const each of events) {
    const { data: event } = Notable.safeParse(each);
    switch (event?.type) {
      case 'Sent':
        return event.by === viewer
          ? 'own'
          : { ...base, titleKey: 'message.title', bodyKey: 'message.body', args: [event.by, preview(event.text)] };
      case 'MatchMade':
        return { ...base, titleKey: 'match.title', bodyKey: 'match.body', args: [event.with] };
    }
  }
  return 'nothing to show';
};
