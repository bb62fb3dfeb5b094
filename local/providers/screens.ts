/**
 * What each phone shows, worked out from the pushes that it got. Pure.
 *
 * A push that is seen shows a notification; its badge, if it has one, becomes the app's. A push in the background whose
 * data say `clear` makes the app take away the notifications of that stream up to that version, and set the badge.
 */
import { z } from 'zod';
import type { Push } from './phones.ts';

/** FCM knows only strings. */
const Whole = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);
const Place = z.object({ stream: z.string(), v: Whole });
const Clear = Place.extend({ type: z.literal('clear'), badge: Whole.optional().catch(undefined) });

const Payload = z.object({
  chorus: z.unknown().optional(),
  data: z.record(z.string(), z.unknown()).optional().catch(undefined),
  android: z
    .object({ data: z.record(z.string(), z.unknown()).optional() })
    .optional()
    .catch(undefined),
});

export type Shown = Pick<
  Push,
  'collapseId' | 'title' | 'body' | 'titleLocKey' | 'titleLocArgs' | 'locKey' | 'locArgs' | 'deliveries' | 'at'
> & {
  stream?: string | undefined;
  v?: number | undefined;
};
export type Screen = Pick<Push, 'token' | 'platform' | 'app'> & {
  /** 0: none is to be seen. */
  badge: number;
  /** Oldest first. */
  shown: Shown[];
};

/** What the push says to the app, on either platform. */
const dataOf = ({ platform, payload }: Push): unknown => {
  const { data } = Payload.safeParse(payload);
  return platform === 'ios' ? data?.chorus : { ...data?.data, ...data?.android?.data };
};

/** What the push takes away, if it is one that does. */
export const clearOf = (push: Push): z.infer<typeof Clear> | undefined =>
  push.visible ? undefined : Clear.safeParse(dataOf(push)).data;

const shownOf = (push: Push): Shown => {
  const { collapseId, title, body, titleLocKey, titleLocArgs, locKey, locArgs, deliveries, at } = push;
  const place = Place.safeParse(dataOf(push)).data;
  const texts = { title, body, titleLocKey, titleLocArgs, locKey, locArgs };
  return { collapseId, ...texts, stream: place?.stream, v: place?.v, deliveries, at };
};

const isCleared = ({ stream, v }: Shown, by: z.infer<typeof Clear>): boolean =>
  stream === by.stream && v !== undefined && v <= by.v;

const receive = (screen: Screen, push: Push): Screen => {
  const clear = clearOf(push);
  const shown = clear ? screen.shown.filter((each) => !isCleared(each, clear)) : screen.shown;
  return {
    ...screen,
    badge: clear?.badge ?? push.badge ?? screen.badge,
    shown: push.visible ? [...shown, shownOf(push)] : shown,
  };
};

/** @param pushes oldest first, of which later ones have taken the place of those that they replace */
export const screensOf = (pushes: Push[]): Screen[] => {
  const screens = new Map<string, Screen>();
  for (const push of pushes) {
    const { platform, token, app } = push;
    const key = JSON.stringify([platform, token]);
    screens.set(key, receive(screens.get(key) ?? { token, platform, app, badge: 0, shown: [] }, push));
  }
  return [...screens.values()];
};
