/** A small history, and every way in which its items can be damaged: what verify says of it, and whether repair can mend it. */
import type { Finding } from '../../ops/finding.ts';
import { type Row, readTables, type Tables } from '../api/tables.ts';
import { type Answer, type Json, key, type Person, type World } from '../world.ts';
import type { Edit } from './damage.ts';

export const say = (who: Person, id: string, text: string, after = 1): Promise<Answer> =>
  who.call('POST', `/v1/conversations/${id}/messages`, { text, after }, key());
const register = (who: Person, device: string, value: string): Promise<Answer> =>
  who.call('PUT', `/v1/devices/${device}`, {
    ...{ platform: 'ios', locale: 'en', appVersion: '1' },
    push: { kind: 'apns', value, app: 'example.chorus.demo', environment: 'sandbox' },
    activity: {
      kind: 'apns-live-activity',
      ...{ value: `${value}00`, app: 'example.chorus.demo', environment: 'sandbox' },
    },
  });

export type History = { ada: Person; ben: Person; conversation: string; before: Tables };

/** Ada's and Ben's conversation: Opened, then messages 1 to 4 by Ada, Ben, Ada, Ben. Two others talk too. */
export const makeHistory = async (world: World): Promise<History> => {
  const { a: ada, b: ben, conversationId: conversation } = await world.matched('ada', 'ben');
  for (const [i, who] of [ada, ben, ada, ben].entries()) {
    await say(who, conversation, `message ${i}`);
    await world.drain();
  }
  await register(ada, 'phone', 'a1'.repeat(32));
  const other = await world.matched('cleo', 'dan');
  await say(other.a, other.conversationId, 'another');
  await world.drain();
  return { ada, ben, conversation, before: await readTables(world) };
};

/** Its name; what is done; what verify then says, as `kind: about`; 'lasts' when no event leads back. */
export type Damage = [string, () => Edit[], () => string[], 'lasts'?];

export const named = (findings: Finding[]): string[] => findings.map(({ kind, about }) => `${kind}: ${about}`).sort();

/** @param history is asked when the tests run */
export const damagesOf = (history: () => History): Damage[] => {
  const find = (table: keyof Tables, pk: string, sk: string): Row => {
    const row = history().before[table].find((each) => each.pk === pk && each.sk === sk);
    if (!row) throw new Error(`there is no ${pk} ${sk}`);
    return structuredClone(row);
  };
  const commit = (v: number): Row => find('events', `demo#conversation#${history().conversation}`, `v#1${v}`);
  const pointer = (who: string): Row => find('inbox', `demo#person#${who}`, `conversation#${history().conversation}`);
  const told = (who: string): Row[] => history().before.events.filter(({ pk }) => pk === `demo#person#${who}`);
  const pair = (): Row[] => history().before.events.filter(({ pk }) => pk === 'demo#pair#ada+ben');
  const match = (): Row => find('views', 'demo#person#ada', 'match#ben');
  const device = (): Row => find('devices', 'demo#person#ada', 'device#phone');
  const owner = (): Row => find('devices', `demo#token#${device().addressHash}`, 'owner');
  const activityOwner = (): Row => find('devices', `demo#token#${device().activityHash}`, 'owner');

  const set = (table: keyof Tables, row: Row, more: Json): Edit => ({ table, row: { ...row, ...more } });
  const without = (table: keyof Tables, ...rows: Row[]): Edit[] => rows.map((gone) => ({ table, gone }));

  const talk = (rest: string): string => `conversation/${history().conversation}${rest}`;

  return [
    ['a version that is gone', () => without('events', commit(3)), () => [`gap: ${talk(' v4')}`], 'lasts'],
    [
      'a version that can not be decoded',
      () => [set('events', commit(3), { audience: 'everybody' })],
      () => [`undecodable: ${talk(' v3')}`],
      'lasts',
    ],
    [
      'an event of a type that nobody knows',
      () => [set('events', commit(3), { events: [{ type: 'Shouted' }] })],
      () => [`undecodable: ${talk(' v3')}`],
      'lasts',
    ],
    [
      'a version that can not be decoded, beside its receipt',
      () => told('ben').flatMap((row) => (row.sk.startsWith('v#') ? [set('events', row, { audience: 'nobody' })] : [])),
      () => ['undecodable: person/ben v1'],
      'lasts',
    ],
    [
      'a command that was done twice',
      () => [set('events', commit(5), { sk: 'v#16', v: 6 })],
      () => [`duplicate: ${talk(' v6')}`, `number: ${talk(' v6')}`],
      'lasts',
    ],
    [
      'a state that its events do not lead to',
      () => [set('events', commit(3), { state: { ...commit(3).state, messages: 9 } })],
      () => [`state: ${talk(' v3')}`],
      'lasts',
    ],
    [
      'an audience that its state does not name',
      () => [set('events', commit(5), { audience: ['ada'] })],
      () => [`orphan: ${talk(' ben')}`, `state: ${talk(' v5')}`],
      'lasts',
    ],
    [
      'a message without its number',
      () => [
        set('events', commit(3), {
          events: [{ ...commit(3).events[0], number: 7 }],
          count: 7,
          state: { ...commit(3).state, messages: 7 },
        }),
      ],
      () => [`number: ${talk(' v3')}`, `number: ${talk(' v4')}`],
      'lasts',
    ],
    [
      'a commit whose receipt is gone',
      () => without('events', ...told('ben').filter(({ sk }) => sk.startsWith('c#'))),
      () => ['commit without receipt: person/ben v1'],
    ],
    [
      'a receipt whose commit is gone',
      () => without('events', ...told('ben').filter(({ sk }) => sk.startsWith('v#'))),
      () => ['orphan: person/ben ben', 'reaction missing: pair/ada+ben', 'receipt without commit: person/ben v1'],
    ],
    [
      'a receipt of another version',
      () => [set('events', { pk: 'demo#person#ada', sk: 'c#system/matched:ada+zoe', v: 1 }, {})],
      () => ['receipt without commit: person/ada v1'],
    ],
    ['a pointer that is gone', () => without('inbox', pointer('ada')), () => [`missing pointer: ${talk(' ada')}`]],
    [
      'a pointer that stayed behind',
      () => [set('inbox', pointer('ada'), { v: 4, count: 3, 'seen:ben': 2 })],
      () => [`pointer behind: ${talk(' ada')}`],
    ],
    [
      'pointers beyond a head that went back',
      () => without('events', commit(5)),
      () => [`pointer beyond head: ${talk(' ada')}`, `pointer beyond head: ${talk(' ben')}`],
    ],
    [
      'a pointer that is ahead',
      () => [set('inbox', pointer('ada'), { v: 9 })],
      () => [`pointer beyond head: ${talk(' ada')}`],
    ],
    ['a wrong count', () => [set('inbox', pointer('ada'), { count: 5 })], () => [`count: ${talk(' ada')}`]],
    [
      'registers beyond their bounds',
      () => [set('inbox', pointer('ada'), { own: 6, 'ack:phone': 6, 'seen:ben': 5 })],
      () => ['ack:phone', 'own', 'seen:ben'].map((name) => `register beyond: ${talk(` ada ${name}`)}`),
    ],
    [
      'a read mark beyond the messages',
      () => [set('inbox', pointer('ben'), { read: 5 })],
      () => [`register beyond: ${talk(' ben read')}`],
    ],
    [
      'a read mark below what its owner wrote',
      () => [set('inbox', pointer('ada'), { read: 1 }), set('inbox', pointer('ben'), { 'seen:ada': 1 })],
      () => [`read behind: ${talk(' ada')}`],
    ],
    [
      'a read mark below what the other knows of it',
      () => [set('inbox', pointer('ben'), { 'seen:ada': 4 })],
      () => [`read behind: ${talk(' ada')}`],
    ],
    [
      'what one knows of the other’s reading, below it',
      () => [set('inbox', pointer('ada'), { 'seen:ben': 1 })],
      () => [`seen behind: ${talk(' ada of ben')}`],
    ],
    [
      'a pointer of who is no member',
      () => [set('inbox', pointer('ada'), { pk: 'demo#person#cleo', person: 'cleo' })],
      () => [`orphan: ${talk(' cleo')}`],
    ],
    [
      'a pointer under another’s key',
      () => [set('inbox', pointer('ada'), { pk: 'demo#person#cleo' })],
      () => [`undecodable: demo#person#cleo conversation#${history().conversation}`],
    ],
    [
      'a pointer that can not be decoded',
      () => [set('inbox', pointer('ada'), { v: 'five' })],
      () => [`undecodable: demo#person#ada conversation#${history().conversation}`],
    ],
    [
      'a match without its conversation',
      () => without('events', ...[1, 2, 3, 4, 5].map(commit)),
      () => [`orphan: ${talk(' ada')}`, `orphan: ${talk(' ben')}`, 'reaction missing: pair/ada+ben'],
    ],
    [
      'a match that nobody was told of',
      () => without('events', ...told('ben')),
      () => ['orphan: person/ben ben', 'reaction missing: pair/ada+ben'],
    ],
    [
      'what follows from a match that was not made',
      () => without('events', ...pair()),
      () => [
        `cause missing: ${talk(' system/matched:ada+ben')}`,
        'cause missing: person/ada system/did:ada+ben@1',
        'cause missing: person/ada system/matched:ada+ben',
        'cause missing: person/ben system/matched:ada+ben',
        ...['like', 'match', 'seen'].flatMap((view) => [
          `row without cause: demo#person#ada ${view}#ben`,
          `row without cause: demo#person#ben ${view}#ada`,
        ]),
      ],
      'lasts',
    ],
    [
      'a match that is not listed',
      () => without('views', match()),
      () => ['row missing: pair/ada+ben demo#person#ada match#ben'],
    ],
    [
      'a match that is listed otherwise',
      () => [set('views', match(), { at: '2020-01-01T00:00:00.000Z' })],
      () => ['row wrong: pair/ada+ben demo#person#ada match#ben'],
    ],
    [
      'a row that no event leads to, and one of no view',
      () => [set('views', match(), { sk: 'match#dan', with: 'dan' }), set('views', match(), { sk: 'mood#ben' })],
      () => ['row without cause: demo#person#ada match#dan', 'row without cause: demo#person#ada mood#ben'],
      'lasts',
    ],
    [
      'an address whose device does not hold it',
      () => [{ table: 'devices', row: (({ addressHash: _hash, push: _push, ...row }) => row as Row)(device()) }],
      () => [`address without device: ${owner().pk.split('#')[2]}`],
    ],
    [
      'a Live Activity whose device does not hold it',
      () => [{ table: 'devices', row: (({ activityHash: _hash, activity: _its, ...row }) => row as Row)(device()) }],
      () => [`address without device: ${activityOwner().pk.split('#')[2]}`],
    ],
    [
      'a device whose Live Activity nobody owns',
      () => without('devices', activityOwner()),
      () => ['device without address: ada phone'],
    ],
    [
      'a device whose Live Activity is another’s',
      () => [
        set('devices', activityOwner(), { person: 'cleo' }),
        ...without('devices', owner()),
        set('devices', (({ addressHash: _hash, push: _its, ...row }) => row as Row)(device()), {}),
        set('devices', (({ addressHash: _hash, push: _its, ...row }) => row as Row)(device()), {
          pk: 'demo#person#cleo',
          person: 'cleo',
        }),
      ],
      () => ['device without address: ada phone'],
    ],
    [
      'a device whose address nobody owns',
      () => without('devices', owner()),
      () => ['device without address: ada phone'],
    ],
    [
      'a device whose address is another’s',
      () => [
        set('devices', owner(), { person: 'cleo' }),
        set('devices', (({ activityHash: _hash, activity: _its, ...row }) => row as Row)(device()), {
          pk: 'demo#person#cleo',
          person: 'cleo',
        }),
      ],
      () => ['device without address: ada phone'],
    ],
    [
      'a device that can not be decoded',
      () => [set('devices', device(), { epoch: 'new' })],
      () => ['undecodable: demo#person#ada device#phone'],
      'lasts',
    ],
  ];
};
