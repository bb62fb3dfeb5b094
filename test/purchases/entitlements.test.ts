/** What a person may use by what they bought, what they are shown of it, and what they say of themselves as customers. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Row, readTables, setAttribute, writingNothing } from '../api/tables.ts';
import { expectProblem, wireAs } from '../api/wire.ts';
import { damage } from '../ops/damage.ts';
import { ops, opsJson } from '../ops/ops.ts';
import { type Json, type Person, useWorld } from '../world.ts';
import { withFaults } from './faults.ts';
import { fresh, openShop, type Shop } from './shop.ts';

const world = useWorld();
const DAY = 24 * 3600_000;
let shop: Shop;
beforeAll(() => {
  shop = openShop(world());
});

const tokenOf = async (person: Person): Promise<string> =>
  (await person.call('GET', '/v1/purchases/account-token')).body.accountToken;
const buyer = async (name: string) => {
  const person = await world().person(name);
  const appAccountToken = await tokenOf(person);
  const entitlements = async (): Promise<Json> => {
    await world().drain();
    return (await person.call('GET', '/v1/entitlements')).body;
  };
  return { person, appAccountToken, entitlements };
};

describe('entitlements', () => {
  test('are none for who bought nothing', async () => {
    const me = await world().person('e-none');
    const { status, body } = await writingNothing(world(), () => me.call('GET', '/v1/entitlements'));
    expect([status, body]).toEqual([200, { entitlements: [], units: {} }]);
  });
  test('are each named once, by what gives them longest, and say where that was bought', async () => {
    const { person, entitlements, appAccountToken } = await buyer('e-many');
    const signedDate = Date.now() - 1000;
    const bought = [
      { productId: 'gold.monthly', expiresDate: signedDate + 30 * DAY },
      { productId: 'gold.yearly', expiresDate: signedDate + 365 * DAY, environment: 'Production' },
      { productId: 'silver.monthly', expiresDate: signedDate - 10 * DAY, purchaseDate: signedDate - 40 * DAY },
      { productId: 'theme.dark' },
      { productId: 'not.listed', type: 'Non-Consumable' },
    ];
    for (const each of bought)
      await person.call('POST', '/v1/purchases', { signedTransaction: shop.bought({ appAccountToken, ...each }) });
    const { entitlements: all } = await entitlements();
    const source = { store: 'appstore', environment: 'sandbox', purchase: expect.stringMatching(/^appstore-sandbox-/) };
    expect(all).toEqual([
      { name: 'dark-theme', active: true, source: { ...source, product: 'theme.dark', status: 'active' } },
      {
        ...{ name: 'gold', active: true, until: new Date(signedDate + 365 * DAY).toISOString() },
        source: {
          ...{ store: 'appstore', environment: 'production', product: 'gold.yearly', status: 'active' },
          purchase: expect.stringMatching(/^appstore-production-/),
        },
      },
      {
        ...{ name: 'silver', active: false, until: new Date(signedDate - 10 * DAY).toISOString() },
        source: { ...source, product: 'silver.monthly', status: 'expired' },
      },
    ]);
    const { body } = await person.call('GET', '/v1/purchases');
    expect(body.purchases.map(({ product }: Json) => product).sort()).toEqual(
      bought.map((each) => each.productId).sort(),
    );
    expect(body.purchases.find(({ product }: Json) => product === 'not.listed')).not.toHaveProperty('entitlement');
  });
  test('follow the life of a subscription, told by the App Store alone', async () => {
    const { entitlements, appAccountToken } = await buyer('e-life');
    const original = fresh();
    const start = Date.now() - 90 * DAY;
    let signedDate = start;
    const period = (n: number, more: object = {}) => {
      const purchaseDate = start + n * 30 * DAY;
      const id = { transactionId: `${original}${n}`, originalTransactionId: original };
      return shop.transaction({
        appAccountToken,
        ...id,
        purchaseDate,
        expiresDate: purchaseDate + 30 * DAY,
        signedDate,
        ...more,
      });
    };
    const say = async (type: string, n: number, more: Json = {}, transaction: object = {}): Promise<Json> => {
      signedDate += 1000;
      const { status } = await shop.deliver(shop.notice(type, period(n, { ...transaction, signedDate }), more));
      expect(status).toBe(200);
      return (await entitlements()).entitlements[0];
    };
    const is = (active: boolean, status: string) => ({ name: 'gold', active, source: { status } });
    expect(await say('SUBSCRIBED', 0, { data: { status: 1 } })).toMatchObject(is(false, 'expired'));
    signedDate = start + 30 * DAY;
    expect(await say('DID_RENEW', 1, { data: { status: 1 } })).toMatchObject(is(false, 'expired'));
    signedDate = start + 60 * DAY;
    const grace = { isInBillingRetryPeriod: true, gracePeriodExpiresDate: Date.now() + DAY };
    expect(
      await say('DID_FAIL_TO_RENEW', 1, { subtype: 'GRACE_PERIOD', data: { status: 4 }, renewal: grace }),
    ).toMatchObject(is(true, 'grace'));
    const retry = { isInBillingRetryPeriod: true };
    expect(await say('GRACE_PERIOD_EXPIRED', 1, { data: { status: 3 }, renewal: retry })).toMatchObject(
      is(false, 'retry'),
    );
    signedDate = Date.now() - 60_000;
    const paid = { purchaseDate: signedDate, expiresDate: signedDate + 30 * DAY };
    expect(await say('DID_RENEW', 2, { subtype: 'BILLING_RECOVERY', data: { status: 1 } }, paid)).toMatchObject(
      is(true, 'active'),
    );
    const back = { ...paid, revocationDate: signedDate, revocationReason: 0, revocationType: 'REFUND_FULL' };
    expect(await say('REFUND', 2, { data: { status: 5 } }, back)).toMatchObject(is(false, 'revoked'));
    expect(await say('REFUND_REVERSED', 2, { data: { status: 1 } }, paid)).toMatchObject(is(true, 'active'));
    const chain = `appstore-sandbox-${original}`;
    expect(world().log.filter((entry) => entry.msg === 'entitlement disagrees' && entry.chain === chain)).toEqual([]);
  });
  test('of units are what was bought, less what was paid back', async () => {
    const { entitlements, appAccountToken } = await buyer('e-units');
    const bought = shop.transaction({ appAccountToken, productId: 'coins.100', quantity: 4 });
    await shop.deliver(shop.notice('ONE_TIME_CHARGE', bought));
    expect(await entitlements()).toEqual({ entitlements: [], units: { 'coins.100': 4 } });
    const signedDate = bought.signedDate + 500;
    await shop.deliver(
      shop.notice('REFUND', { ...bought, signedDate, revocationDate: signedDate, revocationType: 'REFUND_FULL' }),
    );
    expect((await entitlements()).units).toEqual({ 'coins.100': 0 });
    await shop.deliver(shop.notice('REFUND_REVERSED', { ...bought, signedDate: signedDate + 100 }));
    expect((await entitlements()).units).toEqual({ 'coins.100': 4 });
  });
});

describe('the history', () => {
  test('comes by pages, each purchase once', async () => {
    const me = await world().person('h-pages');
    for (let i = 0; i < 5; i++) await me.call('POST', '/v1/purchases', { signedTransaction: shop.bought() });
    await world().drain();
    const { purchases: all, more } = (await me.call('GET', '/v1/purchases')).body;
    expect([all.length, more]).toEqual([5, false]);
    const seen: string[] = [];
    for (let after = ''; ; after = `&after=${seen.at(-1)}`) {
      const { body } = await me.call('GET', `/v1/purchases?limit=2${after}`);
      seen.push(...body.purchases.map(({ id }: Json) => id));
      if (!body.more) break;
      expect(body.purchases).toHaveLength(2);
    }
    expect(seen).toEqual(all.map(({ id }: Json) => id));
  });
  test.each([
    ['limit=0', 'query.limit'],
    ['limit=101', 'query.limit'],
    ['after=', 'query.after'],
    ['after=a%23b', 'query.after'],
    [`after=${'a'.repeat(129)}`, 'query.after'],
    ['before=1', 'query.before'],
  ])('is not asked with %s', async (query, field) => {
    const me = await world().person('h-bad');
    expectProblem(world(), await wireAs(world(), me, 'GET', `/v1/purchases?${query}`), 400, 'invalid', field);
  });
  test('is nobody else’s', async () => {
    const [me, other] = [await world().person('h-mine'), await world().person('h-mine', { tenant: 'aurora' })];
    await me.call('POST', '/v1/purchases', { signedTransaction: shop.bought() });
    await world().drain();
    expect((await other.call('GET', '/v1/purchases')).body).toEqual({ purchases: [], more: false });
    expect((await other.call('GET', '/v1/entitlements')).body).toEqual({ entitlements: [], units: {} });
  });
});

describe('an account token', () => {
  const rowsOf = async (token: string): Promise<Row[]> =>
    (await readTables(world())).views.filter(({ pk }) => pk.endsWith(`#${token}`));
  test('is made once, is nobody else’s, and says nothing of who it is', async () => {
    const [me, other] = await Promise.all(['t-once', 't-other'].map((name) => world().person(name)));
    const tokens = [me, me, other, me].map((person) => tokenOf(person as Person));
    const [one, again, theirs, last] = await Promise.all(tokens);
    expect([again, last]).toEqual([one, one]);
    expect(theirs).not.toBe(one);
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await world().drain();
    await writingNothing(world(), () => tokenOf(me as Person));
  });
  test('comes to every device of the person', async () => {
    const me = await world().person('t-told');
    const phone = await me.connect('phone');
    const token = await tokenOf(me);
    const made = (event: Json) => event.type === 'AccountTokenMade' && event.token === token;
    await phone.until(({ type, events }) => type === 'events' && events.some(made));
  });
  test.each([1, 2, 3])('that was answered is found, whichever write failed before (%i)', async (at) => {
    for (const fate of ['lost before', 'lost after'] as const) {
      const me = await world().person(`t-fault-${at}-${fate.slice(5)}`);
      let writes = 0;
      const isWrite = (name: string) => /^(Put|Update)/.test(name);
      await withFaults(
        (name) => (isWrite(name) && ++writes === at ? fate : undefined),
        () => tokenOf(me),
      );
      const token = await tokenOf(me);
      expect(await rowsOf(token)).toMatchObject([{ person: me.user }]);
      await shop.deliver(
        shop.notice('SUBSCRIBED', shop.transaction({ appAccountToken: token }), { data: { status: 1 } }),
      );
      await world().drain();
      expect((await me.call('GET', '/v1/entitlements')).body.entitlements).toMatchObject([{ name: 'gold' }]);
    }
  });
  test('whose row was lost has it again by rebuild, and by being asked for', async () => {
    const me = await world().person('t-lost');
    const token = await tokenOf(me);
    await world().drain();
    for (const again of [() => ops(world(), 'rebuild', 'account-token', '--yes'), () => tokenOf(me)]) {
      const [row] = await rowsOf(token);
      await damage(world(), [{ table: 'views', gone: row as Row }]);
      expect(await rowsOf(token)).toEqual([]);
      await again();
      expect(await rowsOf(token)).toEqual([row]);
    }
  });
});

describe('consent to say how much was used', () => {
  test('is given and taken back, once each, and comes to every device', async () => {
    const me = await world().person('s-consent');
    const phone = await me.connect('phone');
    for (const given of [true, false]) {
      const put = () => me.call('PUT', '/v1/purchases/consumption-consent', { given });
      const { status, body } = await put();
      expect([status, body]).toEqual([200, { given }]);
      const said = (event: Json) => event.type === 'ConsumptionConsentSet' && event.given === given;
      await phone.until(({ type, events }) => type === 'events' && events.some(said));
      await writingNothing(world(), put);
    }
  });
  test.each([
    ['nothing', '{}', 'body.given'],
    ['a word', '{"given":"yes"}', 'body.given'],
    ['more', '{"given":true,"for":"ever"}', 'body.for'],
  ])('is not given by %s', async (_, body, field) => {
    const me = await world().person('s-bad');
    const path = '/v1/purchases/consumption-consent';
    const answer = await writingNothing(world(), () => wireAs(world(), me, 'PUT', path, { body }));
    expectProblem(world(), answer, 400, 'invalid', field);
  });
});

describe('for operators', () => {
  test('everything that follows from purchases is as the events say', async () => {
    await world().drain();
    const { status, out } = await ops(world(), 'verify');
    expect([status, out]).toEqual([0, expect.anything()]);
  });
  test('a purchase whose stream was lost is found, and assessed again by the audit', async () => {
    const bought = shop.transaction();
    await shop.deliver(shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }));
    await world().drain();
    const pk = `demo#purchase#appstore-sandbox-${bought.originalTransactionId}`;
    const commits = async () => (await readTables(world())).events.filter((row) => row.pk === pk);
    const [commit] = (await commits()) as [Row];
    await damage(world(), [{ table: 'events', gone: commit }]);
    const found = await opsJson(world(), 'verify');
    expect(found.json.findings).toMatchObject([{ kind: 'purchase behind', tenant: 'demo' }]);
    const { json } = await opsJson(world(), 'repair', '--yes');
    expect(json.changed).toMatchObject({ purchases: 1, reactions: 0, rowsPut: 0 });
    expect((await commits()).map(({ events, state }) => [events[0].type, state])).toEqual([['Assessed', commit.state]]);
    expect((await ops(world(), 'verify')).status).toBe(0);
  });
  test('the history is rebuilt to the very same rows, also where it says too much', async () => {
    await world().drain();
    const isPurchase = ({ sk }: Row) => sk.startsWith('purchase#');
    const before = (await readTables(world())).views;
    const [first, second] = before.filter(isPurchase) as [Row, Row];
    await damage(world(), [{ table: 'views', gone: first }]);
    await setAttribute(world(), 'views', second, 'v', 99);
    const { status } = await ops(world(), 'rebuild', 'purchase', '--yes');
    expect(status).toBe(0);
    expect((await readTables(world())).views).toEqual(before);
  });
});
