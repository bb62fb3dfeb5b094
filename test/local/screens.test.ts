import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPhones, type Push } from '../../local/providers/phones.ts';
import { screensOf } from '../../local/providers/screens.ts';
import { folder } from './stage.ts';

type Received = Omit<Push, 'at' | 'deliveries'>;

const show = (v: number, more: Partial<Received> = {}): Received => ({
  platform: 'ios',
  token: 't',
  app: 'a',
  id: `${v}`,
  collapseId: `c${v}`,
  visible: true,
  locKey: 'message',
  payload: { chorus: { type: 'show', stream: 'conversation/c', v } },
  ...more,
});
const clear = (v: number | string, badge?: number | string, stream = 'conversation/c'): Received => ({
  ...show(0, { visible: false, locKey: undefined, collapseId: undefined }),
  payload: { chorus: { type: 'clear', stream, v, badge } },
});
const onAndroid = (push: Received): Received => ({
  ...push,
  platform: 'android',
  payload: { data: (push.payload as { chorus: object }).chorus },
});

const file = () => join(folder(), 'pushes.jsonl');
const opened = (pushes: Received[], path = file()) => {
  const phones = openPhones(path);
  for (const push of pushes) phones.receive(push);
  return phones;
};
/** Of every phone: its badge and the versions that it shows. */
const seen = (phones: ReturnType<typeof openPhones>) =>
  screensOf(phones.pushes()).map(({ badge, shown }) => [badge, shown.map(({ v }) => v)]);

describe.each([
  ['an iPhone', (push: Received) => push],
  ['an Android phone', onAndroid],
])('%s', (_name, on) => {
  const after = (...pushes: Received[]) => seen(opened(pushes.map(on)));

  test('shows what came, the newest last, and the badge of the last that had one', () => {
    expect(after(show(1, { badge: 1 }), show(2, { badge: 2 }), show(3))).toEqual([[2, [1, 2, 3]]]);
    expect(after(show(1))).toEqual([[0, [1]]]);
    expect(after(show(1, { badge: 4 }), show(2, { badge: 0 }))).toEqual([[0, [1, 2]]]);
  });

  test('takes away the notifications of a stream up to a version, and sets the badge', () => {
    const shown = [show(1, { badge: 1 }), show(2, { badge: 2 }), show(3, { badge: 3 })];
    expect(after(...shown, clear('2', '1'))).toEqual([[1, [3]]]);
    expect(after(...shown, clear(3, 0))).toEqual([[0, []]]);
    expect(after(...shown, clear('3'))).toEqual([[3, []]]);
    expect(after(...shown, clear('3', '7', 'conversation/d'))).toEqual([[7, [1, 2, 3]]]);
  });

  test('shows again what comes again after it was taken away', () => {
    expect(after(show(1), clear('1', '0'), show(1), show(2))).toEqual([[0, [1, 2]]]);
  });

  test('takes no notice of a clear that is malformed or that is seen', () => {
    expect(after(show(1), clear('x', '9'), clear('', '9'))).toEqual([[0, [1]]]);
    expect(after(show(1), { ...clear('1', '9'), visible: true })[0]?.[0]).toBe(0);
  });
});

test('a notification counts its deliveries and says where it is from', () => {
  const phones = opened([show(1), show(1)]);
  expect(screensOf(phones.pushes())).toMatchObject([
    {
      token: 't',
      platform: 'ios',
      app: 'a',
      shown: [{ collapseId: 'c1', locKey: 'message', stream: 'conversation/c', v: 1, deliveries: 2 }],
    },
  ]);
});

test('phones are told apart, and a later clear with a lower version undoes none', () => {
  const collapsed = (v: string) => ({ ...clear(v), collapseId: 'clear' });
  const phones = opened([show(4), { ...show(4), token: 'u' }, collapsed('5'), collapsed('3'), collapsed('3')]);
  expect(seen(phones)).toEqual([
    [0, []],
    [0, [4]],
  ]);
  expect(phones.pushes('t').map(({ deliveries }) => deliveries)).toEqual([1, 1, 2]);
});

test('screens are the same after a restart, and lines without new fields are read', () => {
  const path = file();
  opened([show(1, { badge: 1 }), show(2, { badge: 2 }), clear('1', '1'), show(2)], path);
  const old = { platform: 'ios', token: 'old', app: 'a', id: '1', at: '2026-01-01', visible: true, deliveries: 1 };
  appendFileSync(path, `${JSON.stringify(old)}\n`);
  expect(seen(openPhones(path))).toEqual([
    [1, [2]],
    [0, [undefined]],
  ]);
});
