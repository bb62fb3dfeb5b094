/** A push in APNs' words: headers and payload, from the one table. The payload fits. Pure. */
import { Notification } from '@parse/node-apn';
import { fitAll } from './fit.ts';
import { type ApnsPart, table, withTexts } from './platforms.ts';
import type { Push } from './provider.ts';

const PAYLOAD_BYTES = 4096;
const CALL_PAYLOAD_BYTES = 5120;

const partOf = (push: Push, now: Date): Required<ApnsPart> => {
  const whole: Required<ApnsPart> = { headers: {}, alert: {}, aps: {}, chorus: {} };
  for (const { apns } of table) {
    const { headers, alert, aps, chorus } = apns(push, now);
    Object.assign(whole.headers, headers);
    Object.assign(whole.alert, alert);
    Object.assign(whole.aps, aps);
    Object.assign(whole.chorus, chorus);
  }
  return whole;
};

/** The library writes the JSON; its setters drop what they don't expect in silence, so they are not used. */
const compile = ({ alert, aps, chorus }: Required<ApnsPart>): string => {
  const withAlert = Object.keys(alert).length > 0 ? { alert, ...aps } : aps;
  const payload = Object.keys(chorus).length > 0 ? { chorus } : {};
  return JSON.stringify(new Notification({ aps: withAlert, payload }));
};

/** Texts are shortened to what the payload has room for. */
export const toApns = (push: Push, now: Date): { headers: Record<string, string>; body: string } => {
  const limit = push.content.type === 'call' ? CALL_PAYLOAD_BYTES : PAYLOAD_BYTES;
  const bare = withTexts(push, (texts) => texts.map(() => ''));
  const room = limit - Buffer.byteLength(compile(partOf(bare, now)));
  const part = partOf(
    withTexts(push, (texts) => fitAll(texts, room)),
    now,
  );
  return { headers: part.headers, body: compile(part) };
};
