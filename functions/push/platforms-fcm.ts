/** A push in FCM's words, as firebase-admin takes them, from the one table. The message fits. Pure. */
import type { FidMessage, TokenMessage } from 'firebase-admin/messaging';
import { fitAll } from './fit.ts';
import { type FcmPart, table, withTexts } from './platforms.ts';
import type { Push } from './provider.ts';

/** Less than FCM's 4,096: on the wire the library's names are longer by some 40 bytes. */
const PAYLOAD_BYTES = 4096 - 64;

const partOf = (push: Push, now: Date): Required<FcmPart> => {
  const whole: Required<FcmPart> = { android: {}, notification: {}, data: {} };
  for (const { fcm } of table) {
    const { android, notification, data } = fcm(push, now);
    Object.assign(whole.android, android);
    Object.assign(whole.notification, notification);
    Object.assign(whole.data, data);
  }
  return whole;
};

const addressOf = ({ to }: Push): { token: string } | { fid: string } | undefined => {
  switch (to.kind) {
    case 'fcm-token':
      return { token: to.value };
    case 'fcm-fid':
      return { fid: to.value };
    case 'apns':
    case 'apns-live-activity':
      return undefined;
  }
};

/** Texts are shortened to what the message has room for; undefined for what Android has nothing for. */
export const toFcm = (push: Push, now: Date): TokenMessage | FidMessage | undefined => {
  const address = addressOf(push);
  if (!address || push.content.type === 'activity') return undefined;
  const bare = partOf(
    withTexts(push, (texts) => texts.map(() => '')),
    now,
  );
  const room = PAYLOAD_BYTES - Buffer.byteLength(JSON.stringify([bare.notification, bare.data]));
  const { android, notification, data } = partOf(
    withTexts(push, (texts) => fitAll(texts, room)),
    now,
  );
  const isShown = Object.keys(notification).length > 0;
  return { ...address, data, android: { ...android, ...(isShown && { notification }) } };
};
