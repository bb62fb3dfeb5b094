/** What an iPhone makes of a notification: title and body or their localization keys, badge, whether it is seen. */
import { z } from 'zod';
import type { ApnsHeaders } from './apns-rules.ts';
import type { Push } from './phones.ts';

const text = z.string().optional().catch(undefined);
const texts = z.array(z.string()).optional().catch(undefined);

/** Lenient: a field of a wrong type is ignored, as a phone does. */
const Alert = z.object({
  title: text,
  body: text,
  'title-loc-key': text,
  'title-loc-args': texts,
  'loc-key': text,
  'loc-args': texts,
});

const Aps = z
  .object({
    alert: z.preprocess(
      (alert) => (typeof alert === 'string' ? { body: alert } : alert),
      Alert.optional().catch(undefined),
    ),
    badge: z.number().optional().catch(undefined),
  })
  .catch({ alert: undefined });

type Parts = { id: string; token: string; headers: ApnsHeaders; payload: Record<string, unknown> };

export const apnsPush = ({ id, token, headers, payload }: Parts): Omit<Push, 'at' | 'deliveries'> => {
  const { alert, badge } = Aps.parse(payload.aps);
  const collapseId = headers['apns-collapse-id'];
  return {
    platform: 'ios',
    token: token.toLowerCase(),
    app: String(headers['apns-topic']),
    id,
    collapseId: collapseId === undefined ? undefined : String(collapseId),
    visible: headers['apns-push-type'] === 'alert' && alert !== undefined,
    title: alert?.title,
    body: alert?.body,
    titleLocKey: alert?.['title-loc-key'],
    titleLocArgs: alert?.['title-loc-args'],
    locKey: alert?.['loc-key'],
    locArgs: alert?.['loc-args'],
    badge,
    payload,
  };
};
