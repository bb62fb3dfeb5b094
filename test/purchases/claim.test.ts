/** Who shows a transaction that the App Store signed has it, unless it is another's. */
import { beforeAll, describe, expect, test } from 'vitest';
import { readAside, readTables, streamsOf, writingNothing } from '../api/tables.ts';
import { expectProblem, wireAs } from '../api/wire.ts';
import { type Answer, type Json, type Person, useWorld } from '../world.ts';
import { withFaults } from './faults.ts';
import { fresh, openShop, type Shop } from './shop.ts';

const world = useWorld();
const DAY = 24 * 3600_000;
let shop: Shop;
beforeAll(() => {
  shop = openShop(world(), { aurora: { appstore: { environments: ['Production'] } } });
});

const claim = (person: Person, signedTransaction: string): Promise<Answer> =>
  person.call('POST', '/v1/purchases', { signedTransaction });
const entitled = async (person: Person): Promise<Record<string, boolean>> => {
  await world().drain();
  const { body } = await person.call('GET', '/v1/entitlements');
  return Object.fromEntries(body.entitlements.map(({ name, active }: Json) => [name, active]));
};
const historyOf = async (person: Person): Promise<string[]> => {
  await world().drain();
  return (await person.call('GET', '/v1/purchases')).body.purchases.map(({ id }: Json) => id);
};
const people = (...names: string[]): Promise<Person[]> => Promise.all(names.map((name) => world().person(name)));
const tokenOf = async (person: Person): Promise<string> =>
  (await person.call('GET', '/v1/purchases/account-token')).body.accountToken;
const eventsOf = async (original: string): Promise<string[]> => {
  const streams = streamsOf(await readTables(world()));
  const rows = streams.get(`demo#purchase#appstore-sandbox-${original}`) ?? [];
  return rows.flatMap(({ events }) => events.map(({ type }: Json) => type));
};

describe('a purchase', () => {
  test('is theirs who shows it first, with all that it says', async () => {
    const [ada] = (await people('c-first')) as [Person];
    const bought = shop.transaction();
    const { status, body } = await claim(ada, shop.pki.sign(bought));
    const id = `appstore-sandbox-${bought.originalTransactionId}`;
    expect([status, body]).toEqual([
      200,
      {
        owned: 'new',
        purchase: {
          ...{ id, store: 'appstore', environment: 'sandbox', product: 'gold.monthly', kind: 'subscription' },
          ...{ entitlement: 'gold', active: true, status: 'active', ownership: 'own', renews: true },
          ...{
            purchased: new Date(bought.purchaseDate).toISOString(),
            until: new Date(bought.expiresDate).toISOString(),
          },
          ...{ quantity: 1, refunded: 0, price: { milliunits: 9990, currency: 'EUR' } },
        },
      },
    ]);
    expect(await entitled(ada)).toEqual({ gold: true });
    expect(await historyOf(ada)).toEqual([id]);
  });
  test('is shown again as often as one likes, and nothing is written', async () => {
    const [ada] = (await people('c-again')) as [Person];
    const signed = shop.bought();
    const first = await claim(ada, signed);
    await world().drain();
    const audit = await readAside(world(), 'transactions');
    const again = await writingNothing(world(), () => claim(ada, signed));
    expect([again.status, again.body]).toEqual([200, { ...first.body, owned: 'already' }]);
    expect(await readAside(world(), 'transactions')).toEqual(audit);
  });
  test('that is signed anew is kept when it says something new, or nothing for a day', async () => {
    const [ada] = (await people('c-anew')) as [Person];
    const bought = shop.transaction({ signedDate: Date.now() - 3 * DAY });
    await claim(ada, shop.pki.sign(bought));
    const entries = async () =>
      (await readAside(world(), 'transactions')).filter(
        ({ pk, sk }) => pk.endsWith(bought.originalTransactionId) && sk.startsWith('n#'),
      ).length;
    const anew = (hours: number, more: object = {}) =>
      claim(ada, shop.pki.sign({ ...bought, signedDate: bought.signedDate + hours * 3600_000, ...more }));
    for (const hours of [1, 12, 23.9]) expect((await anew(hours)).body.owned).toBe('already');
    expect(await entries()).toBe(1);
    await anew(24);
    expect(await entries()).toBe(2);
    await anew(25, { revocationDate: bought.signedDate });
    expect(await entries()).toBe(3);
    expect(await entitled(ada)).toEqual({ gold: false });
    await anew(26);
    expect(await entries(), 'what is as it was before is news').toBe(4);
    expect(await entitled(ada)).toEqual({ gold: true });
  });
  test('that is shown ten times at once is claimed once', async () => {
    const [ada] = (await people('c-ten')) as [Person];
    const bought = shop.transaction();
    const signed = shop.pki.sign(bought);
    const answers = await Promise.all(Array.from({ length: 10 }, () => claim(ada, signed)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await world().drain();
    expect(await eventsOf(bought.originalTransactionId)).toEqual(['Assessed', 'Claimed']);
  });
  test('of whom the token names is theirs at once, and theirs already when they show it', async () => {
    const [ada] = (await people('c-token')) as [Person];
    const bought = shop.transaction({ appAccountToken: await tokenOf(ada) });
    expect((await claim(ada, shop.pki.sign(bought))).body.owned).toBe('new');
    await world().drain();
    expect(await eventsOf(bought.originalTransactionId)).toEqual(['Assessed']);
    expect((await claim(ada, shop.pki.sign(bought))).body.owned).toBe('already');
  });
  test('of whom a token names is not theirs who shows it first', async () => {
    const [ada, ben] = (await people('c-named', 'c-thief')) as [Person, Person];
    const signed = shop.bought({ appAccountToken: await tokenOf(ada) });
    expect((await claim(ben, signed)).status).toBe(409);
    expect([await entitled(ada), await entitled(ben)]).toEqual([{ gold: true }, {}]);
  });
  test('with a token of nobody here is theirs who shows it', async () => {
    const [ada] = (await people('c-stranger')) as [Person];
    expect((await claim(ada, shop.bought({ appAccountToken: crypto.randomUUID() }))).body.owned).toBe('new');
  });
  test('with a token in capitals is theirs whom it names', async () => {
    const [ada, ben] = (await people('c-capital', 'c-small')) as [Person, Person];
    const signed = shop.bought({ appAccountToken: (await tokenOf(ada)).toUpperCase() });
    expect((await claim(ben, signed)).status).toBe(409);
  });
  test('of another stays where it is, and what is said of it names nobody', async () => {
    const [ada, ben] = (await people('c-has', 'c-wants')) as [Person, Person];
    const signed = shop.bought();
    await claim(ada, signed);
    await world().drain();
    const body = JSON.stringify({ signedTransaction: signed });
    const answer = await writingNothing(world(), () => wireAs(world(), ben, 'POST', '/v1/purchases', { body }));
    expectProblem(world(), answer, 409, 'claimed-by-another', 'body.signedTransaction');
    expect(answer.text).not.toContain('c-has');
    expect([await entitled(ada), await entitled(ben)]).toEqual([{ gold: true }, {}]);
  });
  test('that two show at the same moment is one of theirs', async () => {
    const both = await people('c-one', 'c-two');
    const signed = shop.bought();
    const answers = await Promise.all(both.map((person) => claim(person, signed)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const has = await Promise.all(both.map(entitled));
    expect(has.filter(({ gold }) => gold)).toHaveLength(1);
  });
  test('moves where the tenant transfers: gone there, here, and said so', async () => {
    const [ada, ben] = (await Promise.all(
      ['c-from', 'c-to'].map((name) => world().person(name, { tenant: 'aurora' })),
    )) as [Person, Person];
    const [phone, tablet] = await Promise.all([ada.connect('phone'), ben.connect('phone')]);
    const signed = shop.bought({ productId: 'plus.monthly', environment: 'Production' }, 'aurora');
    expect((await claim(ada, signed)).body.owned).toBe('new');
    expect(await entitled(ada)).toEqual({ plus: true });
    expect((await claim(ben, signed)).body.owned).toBe('transferred');
    expect([await entitled(ada), await entitled(ben)]).toEqual([{}, { plus: true }]);
    expect([await historyOf(ada), await historyOf(ben)].map(({ length }) => length)).toEqual([0, 1]);
    const lost = (event: Json) => event.type === 'PurchaseChanged' && event.purchase === undefined;
    const got = (event: Json) => event.type === 'PurchaseChanged' && event.purchase !== undefined;
    await phone.until(({ type, events }) => type === 'events' && events.some(lost));
    await tablet.until(({ type, events }) => type === 'events' && events.some(got));
    expect((await claim(ada, signed)).body.owned).toBe('transferred');
    expect([await entitled(ada), await entitled(ben)]).toEqual([{ plus: true }, {}]);
  });
  test('that a family shares is theirs who shows it, whatever token it has', async () => {
    const [ada, ben] = (await people('c-buyer', 'c-family')) as [Person, Person];
    const shared = { inAppOwnershipType: 'FAMILY_SHARED', appAccountToken: await tokenOf(ada) };
    const { body } = await claim(ben, shop.bought(shared));
    expect([body.owned, body.purchase.ownership]).toEqual(['new', 'family']);
    expect([await entitled(ada), await entitled(ben)]).toEqual([{}, { gold: true }]);
  });
  test('of what can be spent counts once, however often it is shown', async () => {
    const [ada, ben] = (await people('c-coins', 'c-coins-2')) as [Person, Person];
    const signed = shop.bought({ productId: 'coins.100', quantity: 3 });
    for (let i = 0; i < 3; i++) expect((await claim(ada, signed)).status).toBe(200);
    await claim(ada, shop.bought({ productId: 'coins.100', quantity: 2 }));
    await world().drain();
    expect((await ada.call('GET', '/v1/entitlements')).body).toEqual({ entitlements: [], units: { 'coins.100': 5 } });
    expect((await claim(ben, signed)).status).toBe(409);
  });
  test('that is long over is theirs, and gives nothing any more', async () => {
    const [ada] = (await people('c-over')) as [Person];
    const signedDate = Date.now() - 730 * DAY;
    const { body } = await claim(ada, shop.bought({ signedDate }));
    expect([body.owned, body.purchase.status, body.purchase.active]).toEqual(['new', 'expired', false]);
    expect(await entitled(ada)).toEqual({ gold: false });
  });
  test('of a kind that nobody knows can not be had', async () => {
    const [ada] = (await people('c-kind')) as [Person];
    const body = JSON.stringify({ signedTransaction: shop.bought({ type: 'Lease' }) });
    const answer = await wireAs(world(), ada, 'POST', '/v1/purchases', { body });
    expectProblem(world(), answer, 422, 'unclaimable', 'body.signedTransaction');
  });
});

describe('when a call of the database fails', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'at write %i, before or after it is done, the same request again ends it',
    async (at) => {
      for (const fate of ['lost before', 'lost after'] as const) {
        const [ada] = (await people(`c-f${at}-${fate === 'lost after' ? 'a' : 'b'}`)) as [Person];
        const bought = shop.transaction({ productId: 'coins.100', quantity: 2, originalTransactionId: fresh() });
        const signed = shop.pki.sign(bought);
        let writes = 0;
        const isWrite = (name: string) => /^(Put|Update|TransactWrite|ExecuteTransaction)/.test(name);
        await withFaults(
          (name) => (isWrite(name) && ++writes === at ? fate : undefined),
          () => claim(ada, signed),
        );
        expect((await claim(ada, signed)).status).toBe(200);
        await world().drain();
        expect((await ada.call('GET', '/v1/entitlements')).body.units).toEqual({ 'coins.100': 2 });
        const entries = (await readAside(world(), 'transactions')).filter(
          ({ pk, sk }) => pk.endsWith(bought.originalTransactionId) && sk.startsWith('n#'),
        );
        expect(entries).toHaveLength(1);
      }
    },
  );
});

describe('what is refused', () => {
  test.each<[string, () => string]>([
    ['a word', () => 'a'],
    ['three parts of nothing', () => 'a.b.c'],
    ['padding', () => `${shop.bought()}=`],
    ['a space', () => ` ${shop.bought()}`],
    ['another tenant’s', () => shop.bought({ productId: 'plus.monthly' }, 'aurora')],
    ['of Xcode', () => shop.bought({ environment: 'Xcode' })],
    ['of the future', () => shop.bought({ signedDate: Date.now() + DAY })],
    ['a notification', () => shop.notice('TEST')],
    ['without an id', () => shop.bought({ transactionId: undefined })],
    ['with an id that would be a key', () => shop.bought({ originalTransactionId: 'a#b' })],
  ])('%s is untrusted, and nothing is written', async (_, make) => {
    const [ada] = (await people('c-refused')) as [Person];
    const body = JSON.stringify({ signedTransaction: make() });
    const before = await readAside(world(), 'transactions');
    const answer = await writingNothing(world(), () => wireAs(world(), ada, 'POST', '/v1/purchases', { body }));
    expectProblem(world(), answer, 422, 'untrusted', 'body.signedTransaction');
    expect(await readAside(world(), 'transactions')).toEqual(before);
  });
  test('the sandbox is untrusted where an app is only in production', async () => {
    const ada = await world().person('c-sandbox', { tenant: 'aurora' });
    const { status, body } = await claim(ada, shop.bought({ productId: 'plus.monthly' }, 'aurora'));
    expect([status, body.code]).toEqual([422, 'untrusted']);
  });
  test.each<[string, string, string]>([
    ['nothing', '{}', 'body.signedTransaction'],
    ['null', '{"signedTransaction":null}', 'body.signedTransaction'],
    ['an empty text', '{"signedTransaction":""}', 'body.signedTransaction'],
    ['more', '{"signedTransaction":"a","owner":"b"}', 'body.owner'],
  ])('%s is invalid', async (_, body, field) => {
    const [ada] = (await people('c-invalid')) as [Person];
    const answer = await writingNothing(world(), () => wireAs(world(), ada, 'POST', '/v1/purchases', { body }));
    expectProblem(world(), answer, 400, 'invalid', field);
  });
});
