/** How an address's age and what providers said of it make its health. */
import { expect, test } from 'vitest';
import { Device, type PushAddress } from '../../core/devices.ts';
import { actionOf, type Health, healthOf, troubleOf } from '../../functions/push/health.ts';
import { ben, phone } from '../people.ts';

const now = new Date('2026-06-01T12:00:00.000Z');
const daysAgo = (days: number, ms = 0): string => new Date(now.getTime() - days * 86_400_000 - ms).toISOString();
const address = (kind: PushAddress['kind']) => ({
  push: { kind, value: 'a'.repeat(64), app: 'example.chorus.demo', environment: 'production' },
});
const [apns, token, fid] = [address('apns'), address('fcm-token'), address('fcm-fid')];
const lost = { reason: 'Unregistered', at: daysAgo(1) };
const suspect = { reason: 'DeviceTokenNotForTopic', at: daysAgo(1) };

test.each<[string, object, Health, 'none' | 'register', string?]>([
  ['never registered', {}, 'none', 'none'],
  ['registered without an address', { registeredAt: daysAgo(0) }, 'none', 'none'],
  ['just registered', { ...apns, registeredAt: daysAgo(0) }, 'good', 'none'],
  ['registered by a clock that is ahead', { ...apns, registeredAt: daysAgo(-1) }, 'good', 'none'],
  ['30 days old', { ...token, registeredAt: daysAgo(30) }, 'good', 'none'],
  ['older than 30 days', { ...token, registeredAt: daysAgo(30, 1) }, 'stale', 'register'],
  ['270 days old', { ...token, registeredAt: daysAgo(270) }, 'stale', 'register'],
  ['older than 270 days at FCM', { ...token, registeredAt: daysAgo(270, 1) }, 'expired', 'register'],
  ['older than 270 days at FCM, by installation', { ...fid, registeredAt: daysAgo(270, 1) }, 'expired', 'register'],
  ['older than 270 days at APNs', { ...apns, registeredAt: daysAgo(999) }, 'stale', 'register'],
  ['of unknown age', apns, 'stale', 'register'],
  ['lost', { lost, registeredAt: daysAgo(2) }, 'lost', 'register', 'Unregistered'],
  ['registered after it was lost', { ...apns, lost, registeredAt: daysAgo(0) }, 'good', 'none'],
  ['suspect', { ...apns, suspect, registeredAt: daysAgo(2) }, 'suspect', 'register', 'DeviceTokenNotForTopic'],
  ['suspect and old', { ...token, suspect, registeredAt: daysAgo(300) }, 'suspect', 'register', suspect.reason],
  ['taken over after it was suspect', { suspect, registeredAt: daysAgo(2) }, 'none', 'none'],
])('an address that is %s', (_, row, health, action, reason) => {
  const device = Device.parse({ device: phone, person: ben, ...row });
  expect([healthOf(device, now), actionOf(health), troubleOf(device)]).toEqual([health, action, reason]);
});
