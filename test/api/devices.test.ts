/** What a device may say when it registers, what is refused before anything is written, and what it is told of itself. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Json, type Person, useWorld } from '../world.ts';
import { readTables, writingNothing } from './tables.ts';
import { expectProblem, wireAs } from './wire.ts';

const world = useWorld();
let ada: Person;
beforeAll(async () => {
  ada = await world().person('ada');
});

const hex = 'ab'.repeat(32);
const app = 'example.chorus.demo';
const ios = { platform: 'ios', locale: 'en', appVersion: '1.0' };
const android = { ...ios, platform: 'android' };
const apns = { kind: 'apns', value: hex, app, environment: 'sandbox' };
const activity = { ...apns, kind: 'apns-live-activity', value: 'cd'.repeat(32) };
const fcm = { kind: 'fcm-token', value: 'dQw4w9:APA91b', app, environment: 'production' };
const fid = { ...fcm, kind: 'fcm-fid', value: 'fid-_0123456789ABCDEFG' };
const rowOf = async (device: string): Promise<Json> =>
  (await readTables(world())).devices.find(({ sk }) => sk === `device#${device}`);

describe('a registration is refused whose', () => {
  const onIos = (more: object) => ({ ...ios, push: { ...apns, ...more } });
  const onAndroid = (more: object) => ({ ...android, push: { ...fcm, ...more } });
  test.each<[string, object, string]>([
    ['APNs token is no hex', onIos({ value: `${hex.slice(1)}g` }), 'body.push.value'],
    ['APNs token is too short', onIos({ value: hex.slice(1) }), 'body.push.value'],
    ['APNs token is too long', onIos({ value: 'a'.repeat(201) }), 'body.push.value'],
    ['APNs token is empty', onIos({ value: '' }), 'body.push.value'],
    ['APNs token is no text', onIos({ value: 7 }), 'body.push.value'],
    ['FCM token holds a space', onAndroid({ value: 'a b' }), 'body.push.value'],
    ['FCM token holds a letter beyond ASCII', onAndroid({ value: 'ä' }), 'body.push.value'],
    ['FCM token is too long', onAndroid({ value: 'a'.repeat(4097) }), 'body.push.value'],
    ['installation id is too long', onAndroid({ ...fid, value: `${fid.value}a` }), 'body.push.value'],
    ['installation id holds a colon', onAndroid({ ...fid, value: fid.value.replace('-', ':') }), 'body.push.value'],
    ['app is another tenant’s', onIos({ app: 'example.chorus.aurora' }), 'body.push.app'],
    ['app is nobody’s', onAndroid({ app: 'com.example' }), 'body.push.app'],
    ['app is empty', onIos({ app: '' }), 'body.push.app'],
    ['environment is unknown', onIos({ environment: 'test' }), 'body.push.environment'],
    ['environment is one that FCM has not', onAndroid({ environment: 'sandbox' }), 'body.push.environment'],
    ['kind is unknown', onIos({ kind: 'sms' }), 'body.push.kind'],
    ['kind is the other platform’s', { ...onIos({}), platform: 'android' }, 'body.push.kind'],
    ['kind is the other platform’s, too', { ...onAndroid({}), platform: 'ios' }, 'body.push.kind'],
    ['address lacks a field', { ...ios, push: { kind: 'apns', value: hex, app } }, 'body.push.environment'],
    ['address has a field more', onIos({ topic: 'x' }), 'body.push.topic'],
    ['activity stands as push', { ...ios, push: activity }, 'body.push.kind'],
    ['push stands as activity', { ...ios, activity: apns }, 'body.activity.kind'],
    ['activity is on Android', { ...android, activity }, 'body.activity'],
    ['activity has the token of push', { ...onIos({}), activity: { ...activity, value: hex } }, 'body.activity.value'],
    ['activity’s app is nobody’s', { ...ios, activity: { ...activity, app: 'x.y' } }, 'body.activity.app'],
    ['activity’s token is no hex', { ...ios, activity: { ...activity, value: 'x'.repeat(64) } }, 'body.activity.value'],
    ['platform is unknown', { ...ios, platform: 'web' }, 'body.platform'],
    ['version of the app is empty', { ...ios, appVersion: '' }, 'body.appVersion'],
    ...['+02:00', '', 'CET+1', 'Europe/Atlantis', 'Europe/', 'Berlin', '-0300', 'UTC ', '../etc', 'a'.repeat(65)].map(
      (timeZone): [string, object, string] => [`time zone is ${timeZone}`, { ...ios, timeZone }, 'body.timeZone'],
    ),
    ...['', 'e', 'english-language-x', 'en--US', 'en US', 'de-DE-', 'x'.repeat(65), 'en-US-u'].map(
      (locale): [string, object, string] => [`locale is ${locale}`, { ...ios, locale }, 'body.locale'],
    ),
  ])('%s', async (_, body, field) => {
    const answer = await writingNothing(world(), () =>
      wireAs(world(), ada, 'PUT', '/v1/devices/bad', { body: JSON.stringify(body) }),
    );
    expectProblem(world(), answer, 400, 'invalid', field);
  });
});

describe('a registration is taken', () => {
  test.each<[string, object, object]>([
    ['with an APNs token in capitals', { ...ios, push: { ...apns, value: hex.toUpperCase() } }, { push: apns }],
    ['with a Live Activity beside', { ...ios, push: apns, activity }, { push: apns, activity }],
    ['with an installation id', { ...android, push: fid }, { push: fid }],
    ['with the longest FCM token', { ...android, push: { ...fcm, value: 'a'.repeat(4096) } }, { platform: 'android' }],
    ['with a locale as Android writes it', { ...ios, locale: 'pt_BR' }, { locale: 'pt-BR' }],
    ['with a script and an extension', { ...ios, locale: 'zh-hant-tw-u-nu-latn' }, { locale: 'zh-Hant-TW-u-nu-latn' }],
    ['with UTC', { ...ios, timeZone: 'UTC' }, { timeZone: 'UTC' }],
    ['with GMT', { ...ios, timeZone: 'GMT' }, { timeZone: 'GMT' }],
    ['with a country', { ...ios, timeZone: 'Japan' }, { timeZone: 'Japan' }],
    ['with a city', { ...ios, timeZone: 'America/Argentina/Ushuaia' }, { timeZone: 'America/Argentina/Ushuaia' }],
  ])('%s', async (_, body, row) => {
    expect((await ada.call('PUT', '/v1/devices/good', body)).status).toBe(200);
    expect(await rowOf('good')).toMatchObject(row);
  });
});

describe('a device is told', () => {
  const health = (device: string) => ada.call('GET', `/v1/devices/${device}`);
  test('that its address is good, and when it registered', async () => {
    await ada.call('PUT', '/v1/devices/phone', { ...ios, push: apns });
    const { status, body } = await health('phone');
    expect([status, body]).toEqual([
      200,
      { deviceId: 'phone', platform: 'ios', push: 'good', action: 'none', registeredAt: expect.any(String) },
    ]);
    expect(JSON.stringify(body)).not.toContain(hex);
  });
  test('that it has none', async () => {
    await ada.call('PUT', '/v1/devices/mute', ios);
    expect((await health('mute')).body).toMatchObject({ push: 'none', action: 'none' });
  });
  test('nothing where it never was, logged out, or is another person’s', async () => {
    await ada.call('PUT', '/v1/devices/left', ios);
    await ada.call('DELETE', '/v1/devices/left');
    const ben = await world().person('ben');
    const answers = [await health('never'), await health('left'), await ben.call('GET', '/v1/devices/phone')];
    for (const { status, body } of answers) expect([status, body.code]).toEqual([404, 'not-found']);
  });
});
