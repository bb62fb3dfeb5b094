/** A writer that died right after its put rang for nobody; the stream rings for it, and nothing is missing. */
import { expect, test } from 'vitest';
import { sortable } from '../../core/keys.ts';
import { type Frame, type Json, useWorld } from '../world.ts';
import { expectConverged, putRows, readTables, streamsOf } from './tables.ts';

const world = useWorld();

/** Commits as `send` would have left them, by these people in this order. */
const written = async (conversationId: string, by: string[]): Promise<void> => {
  const [opened] = streamsOf(await readTables(world())).get(`demo#conversation#${conversationId}`) ?? [];
  if (!opened) throw new Error('there is no such conversation');
  const rows = by.map((user, i) => {
    const [v, number] = [i + 2, i + 1];
    const event = { type: 'Sent', id: `msg_${i}`, number, by: user, text: `${number}`, at: opened.at };
    const state = { ...opened.state, messages: number };
    const names = { command: `${user}/${i}`, asked: 'asked', by: user };
    return { ...opened, ...names, sk: `v#${sortable(v)}`, v, events: [event], state, count: number };
  });
  await putRows(world(), 'events', rows);
  await world().drain();
};

test('what it wrote reaches every device and every pointer', async () => {
  const { a, b, conversationId } = await world().matched('d-ada', 'd-ben');
  await world().drain();
  const phones = await Promise.all([a, b].map((person) => person.connect('phone')));
  await written(conversationId, ['d-ada', 'd-ben', 'd-ada']);
  const isThird = ({ type, events }: Frame) => type === 'events' && events.some(({ v }: Json) => v === 4);
  for (const phone of phones) {
    await phone.until(isThird);
    const texts = phone.frames.flatMap(({ events }) => (events ?? []).map(({ text }: Json) => text));
    expect([...new Set(texts)]).toEqual(['1', '2', '3']);
  }
  expectConverged(await readTables(world()));
});

test('what it wrote can be read and answered, and its own retry is answered as if it had lived', async () => {
  const { a, b, conversationId } = await world().matched('r-ada', 'r-ben');
  await world().drain();
  await written(conversationId, ['r-ada']);
  const path = `/v1/conversations/${conversationId}`;
  expect((await b.call('PUT', `${path}/read`, { upTo: 1 })).body).toEqual({ read: 1, unread: 0 });
  const again = await a.call('POST', `${path}/messages`, { text: 'other', after: 1 }, { 'idempotency-key': '0' });
  expect([again.status, again.body.code]).toEqual([422, 'idempotency-key-reused']);
  const answer = await b.call('POST', `${path}/messages`, { text: '2', after: 2 }, { 'idempotency-key': 'x' });
  expect(answer.body).toMatchObject({ version: 3, number: 2 });
});

test('who wrote has read up to there, on their own devices and in the eyes of the other', async () => {
  const { conversationId } = await world().matched('o-ada', 'o-ben');
  await world().drain();
  await written(conversationId, ['o-ben', 'o-ada', 'o-ada', 'o-ben', 'o-ada']);
  const { inbox } = await readTables(world());
  const pointer = (user: string) => inbox.find((row) => row.person === user && row.stream.endsWith(conversationId));
  expect([pointer('o-ada')?.read, pointer('o-ben')?.read]).toEqual([5, 4]);
  expect([pointer('o-ada')?.['seen:o-ben'], pointer('o-ben')?.['seen:o-ada']]).toEqual([4, 5]);
});

test('what it wrote is notified to whoever has not written since', async () => {
  const { a, b, conversationId } = await world().matched('n-ada', 'n-ben');
  await world().drain();
  for (const person of [a, b])
    await person.call('PUT', '/v1/devices/phone', {
      ...{ platform: 'android', locale: 'en', appVersion: '1.0' },
      push: { kind: 'fcm-token', value: person.user, app: 'example.chorus.demo', environment: 'production' },
    });
  await written(conversationId, ['n-ada', 'n-ben', 'n-ada']);
  const shown = (await world().pushes()).map(({ token, locArgs }: Json) => [token, ...locArgs].join(' '));
  expect(shown).toEqual(['n-ben n-ada 3']);
});
