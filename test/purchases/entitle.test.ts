/** From the audit to whose a purchase is: the same in whatever order, however often, and whatever fails on the way. */
import { createHash } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue, Context, DynamoDBRecord } from 'aws-lambda';
import { beforeAll, describe, expect, test } from 'vitest';
import { Commit } from '../../core/commit.ts';
import { makeDeps } from '../../core/deps.ts';
import { chainKey, type Stream } from '../../core/keys.ts';
import { handler } from '../../functions/purchases/entitle.stream.ts';
import { react } from '../../functions/reactions.ts';
import { type Row, readAside, readTables, streamsOf, writingNothing } from '../api/tables.ts';
import { demo } from '../people.ts';
import { type Json, type Person, useWorld } from '../world.ts';
import { type Fate, withFaults } from './faults.ts';
import { fresh, openShop, type Shop } from './shop.ts';

const world = useWorld({ graceSeconds: 0 });
const DAY = 24 * 3600_000;
let shop: Shop;
beforeAll(() => {
  shop = openShop(world());
});

const context = { functionName: 'test' } as Context;
const chainOf = (original: string): string => `appstore-sandbox-${original}`;
const entriesOf = async (original: string): Promise<Row[]> =>
  (await readAside(world(), 'transactions')).filter(({ pk, sk }) => pk.endsWith(`-${original}`) && sk.startsWith('n#'));
const eventsOf = async (original: string): Promise<Json[]> =>
  (streamsOf(await readTables(world())).get(`demo#purchase#${chainOf(original)}`) ?? []).flatMap(
    ({ events }) => events,
  );

const recordOf = ({ pk, sk, ...row }: Row, i: number): DynamoDBRecord => ({
  eventName: 'INSERT',
  dynamodb: {
    SequenceNumber: `${i + 1}`,
    Keys: marshall({ pk, sk }) as Record<string, AttributeValue>,
    NewImage: marshall({ pk, sk, ...row }) as Record<string, AttributeValue>,
  },
});

const buyer = async (name: string, tenant = 'demo'): Promise<{ person: Person; appAccountToken: string }> => {
  const person = await world().person(name, { tenant });
  return { person, appAccountToken: (await person.call('GET', '/v1/purchases/account-token')).body.accountToken };
};
const entitlements = async (person: Person): Promise<Json> => {
  await world().drain();
  return (await person.call('GET', '/v1/entitlements')).body;
};

/** A year of a subscription's life that ends well, as notifications in the order in which they were signed. */
const life = (appAccountToken: string): { original: string; notices: string[] } => {
  const original = fresh();
  const now = Date.now();
  const at = (n: number, daysAgo: number, more: object = {}) => {
    const purchaseDate = now - 60 * DAY + n * 30 * DAY;
    const ids = { transactionId: `${original}${n}`, originalTransactionId: original };
    const period = { purchaseDate, expiresDate: purchaseDate + 31 * DAY, signedDate: now - daysAgo * DAY };
    return shop.transaction({ appAccountToken, ...ids, ...period, ...more });
  };
  return {
    original,
    notices: [
      shop.notice('SUBSCRIBED', at(0, 60), { data: { status: 1 } }),
      shop.notice('DID_RENEW', at(1, 30), { data: { status: 1 } }),
      shop.notice('REFUND', at(1, 20, { revocationDate: now - 20 * DAY }), { data: { status: 5 } }),
      shop.notice('REFUND_REVERSED', at(1, 10), { data: { status: 1 } }),
      shop.notice('DID_RENEW', at(2, 0.01), { data: { status: 1 } }),
    ],
  };
};

describe('a purchase', () => {
  test.each([[[0, 1, 2, 3, 4]], [[4, 3, 2, 1, 0]], [[2, 0, 4, 1, 3]], [[1, 4, 2, 0, 3]]])(
    'is what was signed last, though it came as %j',
    async (order) => {
      const { person, appAccountToken } = await buyer(`o-${order.join('')}`);
      const { original, notices } = life(appAccountToken);
      for (const i of order) {
        await shop.deliver(notices[i] ?? '');
        await world().drain();
      }
      const { entitlements: all } = await entitlements(person);
      expect(all).toMatchObject([{ name: 'gold', active: true, source: { status: 'active' } }]);
      const last = (await eventsOf(original)).findLast(({ purchase }) => purchase)?.purchase;
      expect(last).toMatchObject({ transaction: `${original}2`, renews: true });
      expect(last).not.toHaveProperty('revoked');
    },
  );
  test('is the same when everything comes at once', async () => {
    const { person, appAccountToken } = await buyer('o-once');
    const { original, notices } = life(appAccountToken);
    const answers = await Promise.all([...notices, ...notices].map((each) => shop.deliver(each)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect((await entitlements(person)).entitlements).toMatchObject([{ active: true }]);
    expect(await entriesOf(original)).toHaveLength(5);
  });
  test('whose records come again, last to first, says nothing new', async () => {
    const { appAccountToken } = await buyer('o-again');
    const { original, notices } = life(appAccountToken);
    for (const each of notices) await shop.deliver(each);
    await world().drain();
    const records = (await entriesOf(original)).toReversed().map(recordOf);
    const trail = await readAside(world(), 'trail');
    await writingNothing(world(), async () => {
      for (let i = 0; i < 2; i++)
        expect(await handler({ Records: records }, context)).toEqual({ batchItemFailures: [] });
    });
    expect(await readAside(world(), 'trail')).toEqual(trail);
  });
  test('is listed as it was last, though its commits are reacted to again, last to first', async () => {
    const { appAccountToken } = await buyer('o-rows');
    const { original, notices } = life(appAccountToken);
    for (const each of notices) {
      await shop.deliver(each);
      await world().drain();
    }
    const stream: Stream = { tenant: demo, kind: 'purchase', id: chainOf(original) };
    const commits = streamsOf(await readTables(world())).get(`demo#purchase#${stream.id}`) ?? [];
    expect(commits.length).toBeGreaterThan(3);
    await writingNothing(world(), async () => {
      for (const commit of commits.toReversed())
        await react(makeDeps({ read: 0, write: 0 }), stream, Commit.parse(commit));
    });
  });
  test('that the same was signed about again later is told to nobody', async () => {
    const { person, appAccountToken } = await buyer('o-same');
    const bought = shop.transaction({ appAccountToken });
    await shop.deliver(shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }));
    await world().drain();
    const v = async () => (await person.call('GET', '/v1/sync')).body.streams[0].v;
    const before = await v();
    await shop.deliver(
      shop.notice('PRICE_CHANGE', { ...bought, signedDate: bought.signedDate + 100 }, { data: { status: 1 } }),
    );
    await world().drain();
    expect((await eventsOf(bought.originalTransactionId)).map(({ type }) => type)).toEqual(['Assessed', 'Confirmed']);
    expect(await v()).toBe(before);
  });
  test('of whom the token was unknown is theirs as soon as they show it', async () => {
    const { person } = await buyer('o-late');
    const bought = shop.transaction();
    await shop.deliver(shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }));
    expect((await entitlements(person)).entitlements).toEqual([]);
    await person.call('POST', '/v1/purchases', { signedTransaction: shop.pki.sign(bought) });
    expect((await entitlements(person)).entitlements).toMatchObject([{ name: 'gold', active: true }]);
  });
});

describe('when the database fails again and again', () => {
  const fates: Fate[] = ['throttled', 'lost before', 'lost after'];
  test.each([2, 3, 5, 7])('at every call of %i, each of units is counted once, and each person told', async (every) => {
    const { person, appAccountToken } = await buyer(`f-${every}`);
    const bought = Array.from({ length: 4 }, () =>
      shop.transaction({ appAccountToken, productId: 'coins.100', quantity: 3 }),
    );
    let calls = 0;
    // The batch after which the stream would be given up is not ours to find here.
    const decide = (name: string): Fate =>
      !/Query|Get/.test(name) && calls < 60 && ++calls % every === 0 ? fates[calls % fates.length] : undefined;
    await withFaults(decide, async () => {
      await Promise.all(
        bought.map(async (each) => {
          const signed = shop.notice('ONE_TIME_CHARGE', each);
          for (let tries = 0; tries < 20 && (await shop.deliver(signed)).status !== 200; tries++);
          const { signedDate } = each;
          const back = {
            ...each,
            signedDate: signedDate + 10,
            revocationDate: signedDate,
            revocationPercentage: 34_000,
          };
          const refund = shop.notice('REFUND', back);
          for (let tries = 0; tries < 20 && (await shop.deliver(refund)).status !== 200; tries++);
        }),
      );
      await world().drain();
    });
    expect((await entitlements(person)).units).toEqual({ 'coins.100': 8 });
    const { purchases } = (await person.call('GET', '/v1/purchases')).body;
    expect(purchases.map(({ refunded }: Json) => refunded)).toEqual([1, 1, 1, 1]);
  });
});

describe('where the App Store sees it otherwise', () => {
  test('somebody is told, once, and it is written down', async () => {
    const bought = shop.transaction();
    await shop.deliver(shop.notice('DID_RENEW', bought, { data: { status: 2 } }));
    const chain = chainOf(bought.originalTransactionId);
    const isIt = (entry: Json) => entry.msg === 'entitlement disagrees' && entry.chain === chain;
    expect(await world().logged(isIt)).toMatchObject({
      level: 'error',
      tenant: 'demo',
      n: 1,
      ours: 'active',
      theirs: 'expired',
    });
    await world().drain();
    await handler({ Records: (await entriesOf(bought.originalTransactionId)).map(recordOf) }, context);
    expect(world().log.filter(isIt)).toHaveLength(1);
    const rows = (await readAside(world(), 'trail')).filter((row) => row.chain === chain);
    expect(rows).toMatchObject([{ n: 1, ours: 'active', theirs: 'expired', signed: bought.signedDate }]);
  });
});

describe('an entry that nobody can read', () => {
  const engine = () =>
    DynamoDBDocumentClient.from(
      new DynamoDBClient({
        endpoint: world().env.AWS_ENDPOINT_URL_DYNAMODB ?? '',
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      }),
    );
  test('is parked, and keeps no other from being read', async () => {
    const { person, appAccountToken } = await buyer('u-ada');
    const bought = shop.transaction({ appAccountToken });
    await shop.deliver(shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }));
    const [first] = (await entriesOf(bought.originalTransactionId)) as [Row];
    const hash = createHash('sha256').update('').digest('hex');
    const raw = shop.pki.sign({ ...bought, productId: undefined });
    const key = chainKey(demo, chainOf(bought.originalTransactionId), 2);
    const broken = { ...first, ...key, n: 2, raw, id: 'x', source: 'transaction', hash };
    await engine().send(new PutCommand({ TableName: world().env.TRANSACTIONS_TABLE ?? '', Item: broken }));
    const isIt = (entry: Json) => entry.msg === 'parked' && entry.from === 'purchases/entitle';
    expect((await world().logged(isIt)).key).toContain(bought.originalTransactionId);
    expect((await entitlements(person)).entitlements).toMatchObject([{ name: 'gold', active: true }]);
  });
});

test('whoever wants to be paid back for what can be used leads to a job, and who did not agree is not told of', async () => {
  const { appAccountToken } = await buyer('q-ada');
  const bought = shop.transaction({ appAccountToken, productId: 'coins.100' });
  await shop.deliver(shop.notice('CONSUMPTION_REQUEST', bought));
  const chain = chainOf(bought.originalTransactionId);
  const told = await world().logged((entry) => entry.msg === 'consumption not told' && entry.chain === chain);
  expect(told).toMatchObject({ transaction: bought.transactionId, reason: 'no consent' });
});

describe('a push', () => {
  const register = (person: Person, app: string) =>
    person.call('PUT', '/v1/devices/phone', {
      ...{ platform: 'ios', locale: 'en', appVersion: '1.0' },
      push: {
        ...{ kind: 'apns', environment: 'sandbox', app },
        value: createHash('sha256').update(person.user).digest('hex').replace(/^dead/, 'beef'),
      },
    });
  const decisions = async (person: Person): Promise<Json[]> => {
    await world().drain();
    return world().log.filter(({ msg, stream }) => msg === 'push decided' && stream === `person/${person.user}`);
  };
  test('says that a purchase changed, where the tenant wants it', async () => {
    const { person, appAccountToken } = await buyer('n-ada');
    await world().drain();
    await register(person, 'example.chorus.demo');
    await shop.deliver(shop.notice('SUBSCRIBED', shop.transaction({ appAccountToken }), { data: { status: 1 } }));
    await world().logged(
      ({ msg, stream, decision }) => msg === 'push decided' && stream === 'person/n-ada' && decision === 'sent',
    );
    await world().drain();
    const pushes = (await world().pushes()).filter((push: Json) => JSON.stringify(push).includes('purchase.body'));
    expect(pushes).toHaveLength(1);
    expect(JSON.stringify(pushes[0])).toContain('gold.monthly');
  });
  test('is none where the tenant does not', async () => {
    const { person } = await buyer('n-ada', 'aurora');
    await world().drain();
    await register(person, 'example.chorus.aurora');
    await person.call('POST', '/v1/purchases', {
      signedTransaction: shop.bought({ productId: 'plus.monthly' }, 'aurora'),
    });
    const isIt = (entry: Json) => entry.msg === 'push decided' && entry.tenant === 'aurora';
    expect(await world().logged(isIt)).toMatchObject({ decision: 'skipped', reason: 'nothing to show' });
  });
  test('is none for who switched it off', async () => {
    const { person, appAccountToken } = await buyer('n-off');
    await person.call('PUT', '/v1/preferences', { kinds: { purchases: 'none' } });
    await world().drain();
    await register(person, 'example.chorus.demo');
    await shop.deliver(shop.notice('SUBSCRIBED', shop.transaction({ appAccountToken }), { data: { status: 1 } }));
    await world().logged(({ msg, stream }) => msg === 'push decided' && stream === 'person/n-off');
    expect(await decisions(person)).toMatchObject([{ decision: 'skipped', reason: 'switched off' }]);
  });
});
