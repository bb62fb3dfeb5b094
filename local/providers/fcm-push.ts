/** What an Android phone makes of a message: what the system shows, or a data message for the app alone. */
import type { Message } from './fcm-rules.ts';
import type { Push } from './phones.ts';

type Parts = { id: string; token: string; project: string; message: Message };

/** Android's own fields stand over the common ones. */
export const fcmPush = ({ id, token, project, message }: Parts): Omit<Push, 'at' | 'deliveries'> => {
  const { android, notification } = message;
  const own = android?.notification;
  return {
    platform: 'android',
    token,
    app: android?.restricted_package_name ?? project,
    id,
    collapseId: own?.tag ?? android?.collapse_key,
    visible: notification !== undefined || own !== undefined,
    title: own?.title ?? notification?.title,
    body: own?.body ?? notification?.body,
    titleLocKey: own?.title_loc_key,
    titleLocArgs: own?.title_loc_args,
    locKey: own?.body_loc_key,
    locArgs: own?.body_loc_args,
    badge: own?.notification_count,
    payload: message,
  };
};
