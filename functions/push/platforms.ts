/** What differs between the platforms, as one table: each row says how both say it, or that one has no word for it. Pure. */
import type { AndroidConfig, AndroidNotification } from 'firebase-admin/messaging';
import type { Notification } from './notification.ts';
import type { Content, Push } from './provider.ts';

type Json = string | number | boolean | string[] | Record<string, string | number | boolean>;

/** A row's share of a request to APNs; `chorus` is what the app reads. */
export type ApnsPart = {
  headers?: Record<string, string>;
  alert?: Record<string, string | string[]>;
  aps?: Record<string, Json>;
  chorus?: Record<string, string>;
};
/** A row's share of a message to FCM, as firebase-admin names it. */
export type FcmPart = {
  android?: Pick<AndroidConfig, 'collapseKey' | 'priority' | 'ttl'>;
  notification?: AndroidNotification;
  data?: Record<string, string>;
};
type Row = {
  what: string;
  apns: (push: Push, now: Date) => ApnsPart;
  fcm: (push: Push, now: Date) => FcmPart;
};

type Show = Extract<Content, { type: 'show' }>;

const TTL_SECONDS_LIMIT = 2_419_200;
const SECOND_MS = 1000;

const none = () => ({});
const shown =
  <Part extends object>(part: (notification: Notification, content: Show) => Part) =>
  ({ content }: Push): Part | Record<string, never> =>
    content.type === 'show' ? part(content.notification, content) : {};
const header = (name: string, value: string): ApnsPart => ({ headers: { [name]: value } });

const pushTypes = { show: 'alert', clear: 'background', activity: 'liveactivity', call: 'voip' } as const;
const topicSuffixes = { show: '', clear: '', activity: '.push-type.liveactivity', call: '.voip' } as const;
const androidPriorities = { passive: 'low', active: 'default', 'time-sensitive': 'high' } as const;

/** An update at 10 counts against the budget that Apple gives each activity; its end may not be late. */
const apnsPriority = (content: Content): '5' | '10' =>
  content.type === 'clear' || (content.type === 'activity' && content.event === 'update') ? '5' : '10';

/** Where to look, never what is there: texts only, since FCM takes nothing else. */
const dataOf = ({ content, user, id }: Push): Record<string, string> => {
  if (content.type === 'activity') return {};
  const { stream, v } = content.type === 'show' ? content.notification : content;
  return {
    type: content.type,
    stream,
    v: String(v),
    user,
    id,
    ...(content.type !== 'call' && { badge: String(content.badge) }),
    ...(content.type === 'show' && { event: content.notification.event }),
  };
};

const TAG_LENGTH = 64;
const tagOf = ({ event }: Notification, otherwise: string): string => (event.length <= TAG_LENGTH ? event : otherwise);

const secondsLeft = (expires: number, now: Date): number =>
  Math.min(Math.max(0, Math.floor(expires - now.getTime() / SECOND_MS)), TTL_SECONDS_LIMIT);

export const table: Row[] = [
  {
    what: 'title',
    apns: shown(({ title }) => ({ alert: { 'title-loc-key': title.key, 'title-loc-args': title.args } })),
    fcm: shown(({ title }) => ({ notification: { titleLocKey: title.key, titleLocArgs: title.args } })),
  },
  {
    what: 'body',
    apns: shown(({ body }) => ({ alert: { 'loc-key': body.key, 'loc-args': body.args } })),
    fcm: shown(({ body }) => ({ notification: { bodyLocKey: body.key, bodyLocArgs: body.args } })),
  },
  {
    what: 'sound',
    apns: shown(({ interruption }) => (interruption === 'passive' ? {} : { aps: { sound: 'default' } })),
    fcm: shown(({ interruption }) => (interruption === 'passive' ? {} : { notification: { sound: 'default' } })),
  },
  {
    // A clear's badge stands in its data, and the app sets it: Apple allows none in a background push. Android's count
    // says how much one notification stands for, and launchers add it up: the total in each of them would be counted twice.
    what: 'badge',
    apns: shown((_, { badge }) => ({ aps: { badge } })),
    fcm: none,
  },
  { what: 'thread', apns: shown(({ thread }) => ({ aps: { 'thread-id': thread } })), fcm: none },
  // A click_action that an app has not declared makes the tap do nothing.
  { what: 'category', apns: shown(({ kind }) => ({ aps: { category: kind } })), fcm: none },
  { what: 'channel', apns: none, fcm: shown(({ kind }) => ({ notification: { channelId: kind } })) },
  {
    what: 'interruption',
    apns: shown(({ interruption }) => ({ aps: { 'interruption-level': interruption } })),
    fcm: shown(({ interruption }) => ({ notification: { priority: androidPriorities[interruption] } })),
  },
  { what: 'relevance', apns: shown(({ relevance }) => ({ aps: { 'relevance-score': relevance } })), fcm: none },
  { what: 'mutable', apns: shown(() => ({ aps: { 'mutable-content': 1 } })), fcm: none },
  {
    // Apple: nothing beside it.
    what: 'background',
    apns: ({ content }) => (content.type === 'clear' ? { aps: { 'content-available': 1 } } : {}),
    fcm: none,
  },
  {
    what: 'activity',
    apns: ({ content }, now) =>
      content.type === 'activity'
        ? {
            aps: {
              timestamp: Math.floor(now.getTime() / SECOND_MS),
              event: content.event,
              'content-state': content.state,
            },
          }
        : {},
    fcm: none,
  },
  {
    // FCM keeps four collapse keys for a device that is away; a tag replaces on the phone, without a limit, and is the
    // event's name, so that an app can take a notification away by its stream and version.
    what: 'collapse',
    apns: ({ collapseId }) => header('apns-collapse-id', collapseId),
    fcm: ({ content, collapseId }) =>
      content.type === 'show'
        ? { notification: { tag: tagOf(content.notification, collapseId) } }
        : content.type === 'clear'
          ? { android: { collapseKey: collapseId } }
          : {},
  },
  {
    what: 'priority',
    apns: ({ content }) => header('apns-priority', apnsPriority(content)),
    fcm: ({ content }) => ({ android: { priority: content.type === 'clear' ? 'normal' : 'high' } }),
  },
  { what: 'push type', apns: ({ content }) => header('apns-push-type', pushTypes[content.type]), fcm: none },
  { what: 'topic', apns: ({ content, to }) => header('apns-topic', to.app + topicSuffixes[content.type]), fcm: none },
  { what: 'id', apns: ({ id }) => header('apns-id', id), fcm: none },
  {
    what: 'expiration',
    apns: ({ expires }) => header('apns-expiration', String(Math.max(0, Math.floor(expires)))),
    // Milliseconds, unlike everywhere else.
    fcm: ({ expires }, now) => ({ android: { ttl: secondsLeft(expires, now) * SECOND_MS } }),
  },
  { what: 'data', apns: (push) => ({ chorus: dataOf(push) }), fcm: (push) => ({ data: dataOf(push) }) },
];

/** The same push with what fills its texts changed: title's first, then the body's. */
export const withTexts = (push: Push, change: (texts: string[]) => string[]): Push => {
  if (push.content.type !== 'show') return push;
  const { title, body } = push.content.notification;
  const texts = change([...title.args, ...body.args]);
  const notification: Notification = {
    ...push.content.notification,
    title: { ...title, args: texts.slice(0, title.args.length) },
    body: { ...body, args: texts.slice(title.args.length) },
  };
  return { ...push, content: { ...push.content, notification } };
};
