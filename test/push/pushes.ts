/** A push as a provider is handed it: Ada says hello to Bob. */
import type { Notification } from '../../functions/push/notification.ts';
import type { Content, Push } from '../../functions/push/provider.ts';

const notification: Notification = {
  kind: 'messages',
  title: { key: 'message.title', args: ['Ada'] },
  body: { key: 'message.body', args: ['Ada', 'Hello'] },
  thread: 'chat-1',
  relevance: 0.5,
  interruption: 'active',
  event: 'chat-1@7',
  stream: 'chat-1',
  v: 7,
};

export const show = (change: Partial<Notification> = {}): Content => ({
  type: 'show',
  notification: { ...notification, ...change },
  badge: 3,
});

/** @param expires Unix seconds */
export const pushOf = (content: Content, to: Partial<Push['to']>, expires: number): Push => ({
  to: { kind: 'apns', value: 'address', app: 'example.app', environment: 'production', ...to },
  content,
  user: 'bob',
  id: '7c2c1bd0-6d3c-5d5c-9f3e-0123456789ab',
  collapseId: 'collapse-1',
  expires,
});
