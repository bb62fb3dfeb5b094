/** The doors to the push providers, by the kind of address; each loads its library when it is first used. */
import type { PushAddress } from '../../core/devices.ts';
import type { Provider } from './provider.ts';

const apns: Provider = async (...args) => (await import('./apns.ts')).sendToApns(...args);
const fcm: Provider = async (...args) => (await import('./fcm.ts')).sendToFcm(...args);

export const providers: Record<PushAddress['kind'], Provider> = {
  apns,
  'apns-live-activity': apns,
  'fcm-token': fcm,
  'fcm-fid': fcm,
};
