/** The local App Store: what it sells, how it delivers, and what it still knows after a restart. */
import { decodeJwt } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { trustOf, verifyNotification, verifyTransaction } from '../../functions/purchases/verify.ts';
import { Act, actNames } from '../../local/providers/appstore-acts.ts';
import { isDelivered } from '../../local/providers/appstore-book.ts';
import { catalogueOf } from '../../local/providers/appstore-catalogue.ts';
import { nextAttempt } from '../../local/providers/appstore-delivery.ts';
import { parseAppStoreFault } from '../../local/providers/appstore-faults.ts';
import { Impossible } from '../../local/providers/appstore-life.ts';
import { appStoreRoutes } from '../../local/providers/appstore-routes.ts';
import type { Json } from '../world.ts';
import { openStore } from './appstore-stage.ts';
import { tenants } from './stage.ts';

const attemptsOf = (
  local: Awaited<ReturnType<typeof openStore>>,
  environment: 'Production' | 'Sandbox' = 'Production',
) => local.store.notices.list('demo', environment).map(({ attempts }) => attempts.map(({ result }) => result));
const quiet = (local: Awaited<ReturnType<typeof openStore>>) => vi.waitFor(() => expect(local.store.idle()).toBe(true));
const FAILED = 'UNSUCCESSFUL_HTTP_RESPONSE_CODE';

describe('a purchase', () => {
  test('is told at once, in a notification that our verifier takes', async () => {
    const local = await openStore();
    local.act('buy', { product: 'gold.monthly', accountToken: '57246542-96fe-1a63-a053-0824d011072a' });
    await local.came(1);
    const trust = { ...trustOf({ purchases: { ...demo(), appstore: local.config } }) };
    const verified = await verifyNotification(trust, local.got[0] ?? '', new Date(), { live: true });
    expect(verified).toMatchObject({
      type: 'SUBSCRIBED',
      subtype: 'INITIAL_BUY',
      environment: 'Production',
      verdict: 1,
      transaction: { productId: 'gold.monthly', appAccountToken: '57246542-96fe-1a63-a053-0824d011072a' },
      renewal: { autoRenewStatus: 1 },
    });
    const shown = local.store.shop.shown(Act.parse({}));
    expect(await verifyTransaction(trust, shown?.signedTransaction ?? '', new Date())).toMatchObject({
      transaction: { transactionId: shown?.transaction },
    });
  });
  test('of another tenant is not believed by this one', async () => {
    const local = await openStore();
    local.act('buy', { product: 'plus.monthly', tenant: 'aurora' });
    await local.came(1);
    const trust = trustOf({ purchases: { ...demo(), appstore: local.config } });
    expect(await verifyNotification(trust, local.got[0] ?? '', new Date())).toHaveProperty('refused');
  });
  test('lives through all that can be done to it', async () => {
    const local = await openStore();
    const told: string[] = [];
    const act: typeof local.act = (what, more) => {
      const notices = local.act(what, more);
      told.push(...notices.map(({ type, subtype }) => `${type} ${subtype ?? '-'}`));
      return notices;
    };
    act('buy', { product: 'silver.monthly' });
    act('upgrade', { product: 'gold.yearly' });
    act('downgrade', { product: 'silver.monthly' });
    act('upgrade', { product: 'gold.yearly' });
    act('cancel');
    act('resume');
    act('fail-billing');
    act('recover');
    act('refund', { percent: 40 });
    act('reverse-refund');
    act('expire');
    act('resubscribe');
    const [declined] = act('decline-refund');
    const purchase = declined?.transactions.at(-1);
    act('share', { purchase, customer: 'ben' });
    act('revoke', { customer: 'ben' });
    act('consume-request');
    act('test');
    expect(told).toMatchInlineSnapshot(`
      [
        "SUBSCRIBED INITIAL_BUY",
        "DID_CHANGE_RENEWAL_PREF UPGRADE",
        "DID_CHANGE_RENEWAL_PREF DOWNGRADE",
        "DID_CHANGE_RENEWAL_PREF -",
        "DID_CHANGE_RENEWAL_STATUS AUTO_RENEW_DISABLED",
        "DID_CHANGE_RENEWAL_STATUS AUTO_RENEW_ENABLED",
        "DID_FAIL_TO_RENEW GRACE_PERIOD",
        "DID_RENEW BILLING_RECOVERY",
        "REFUND -",
        "DID_CHANGE_RENEWAL_STATUS AUTO_RENEW_DISABLED",
        "REFUND_REVERSED -",
        "EXPIRED VOLUNTARY",
        "SUBSCRIBED RESUBSCRIBE",
        "REFUND_DECLINED -",
        "SUBSCRIBED INITIAL_BUY",
        "REVOKE -",
        "CONSUMPTION_REQUEST -",
        "TEST -",
      ]
    `);
    expect(actNames.length).toBe(17);
    await local.came(told.length);
    expect(local.types()).toEqual(told.map((each) => each.split(' ')[0]));
  });
  test('that can not be is refused with a reason', async () => {
    const local = await openStore();
    expect(() => local.act('buy', { product: 'nope' })).toThrow(new Impossible('there is no product nope'));
    expect(() => local.act('renew')).toThrow(new Impossible('ada has bought nothing yet'));
    expect(() => local.act('buy', { product: 'gold.monthly', tenant: 'nobody' })).toThrow(Impossible);
    expect(local.store.notices.list('demo', 'Production')).toEqual([]);
  });
  test('is of what the tenant lists, and of two things that give nothing', () => {
    expect(catalogueOf(tenantNamed('demo')).map(({ id, type, level }) => [id, type, level])).toEqual([
      ['gold.yearly', 'Auto-Renewable Subscription', 1],
      ['gold.monthly', 'Auto-Renewable Subscription', 2],
      ['silver.monthly', 'Auto-Renewable Subscription', 3],
      ['theme.dark', 'Non-Consumable', undefined],
      ['coins.100', 'Consumable', undefined],
      ['season.pass', 'Non-Renewing Subscription', undefined],
    ]);
  });
});

describe('a delivery', () => {
  test.each([200, 201, 202, 203, 204, 205, 206])('is done after %i', async (status) => {
    const local = await openStore({ said: [status] });
    local.act('test');
    await local.came(1);
    await quiet(local);
    expect(attemptsOf(local)).toEqual([['SUCCESS']]);
  });
  test('in production is tried six times, and no more', async () => {
    const local = await openStore({ said: [500, 503, 429, 'drop', 401, 500, 200] });
    local.act('test');
    await local.came(6);
    await quiet(local);
    expect(attemptsOf(local)).toEqual([[FAILED, FAILED, FAILED, 'NO_RESPONSE', FAILED, FAILED]]);
    expect(local.got).toHaveLength(6);
    expect(new Set(local.got).size, 'the same bytes each time').toBe(1);
  });
  test('that failed and then succeeds is done', async () => {
    const local = await openStore({ said: [500, 200] });
    local.act('test');
    await local.came(2);
    await quiet(local);
    expect(attemptsOf(local)).toEqual([[FAILED, 'SUCCESS']]);
    expect(local.store.notices.list('demo', 'Production').map(isDelivered)).toEqual([true]);
  });
  test.each([
    ['in the sandbox', 500, 'Sandbox'],
    ['after a 400', 400, 'Production'],
  ] as const)('%s is tried once', (_, status, environment) => {
    expect(nextAttempt({ environment, attempts: [{ at: 0, result: FAILED, status }] })).toBeUndefined();
  });
  test('waits 1, 12, 24, 48 and 72 hours', () => {
    const waits = [1, 2, 3, 4, 5, 6].map((count) => {
      const attempts = Array.from({ length: count }, () => ({ at: 0, result: FAILED, status: 500 }));
      return nextAttempt({ environment: 'Production', attempts });
    });
    expect(waits).toEqual([1, 12, 24, 48, 72, undefined]);
  });
});

describe('a fault', () => {
  const faulty = async (fault: Json, said?: number[]) => {
    const local = await openStore({ said: said ?? [200] });
    const parsed = parseAppStoreFault(fault);
    if ('detail' in parsed) throw new Error(parsed.detail);
    local.store.faults.add(parsed);
    return local;
  };
  test('loses a delivery: nothing comes, and in production it comes again', async () => {
    const local = await faulty({ of: 'delivery', fault: 'lose' });
    local.act('test', { environment: 'sandbox' });
    await quiet(local);
    expect(local.got).toEqual([]);
    expect(attemptsOf(local, 'Sandbox')).toEqual([['NO_RESPONSE']]);
    local.store.faults.add({ of: 'delivery', fault: 'lose', times: 1, ms: 0 });
    local.act('test');
    await local.came(1);
    await quiet(local);
    expect(attemptsOf(local)).toEqual([['NO_RESPONSE', 'SUCCESS']]);
  });
  test('loses an answer: it comes twice', async () => {
    const local = await faulty({ of: 'delivery', fault: 'forget' });
    local.act('test');
    await local.came(2);
    await quiet(local);
    expect(attemptsOf(local)).toEqual([['TIMED_OUT', 'SUCCESS']]);
    expect(local.got[0]).toBe(local.got[1]);
  });
  test('duplicates a delivery', async () => {
    const local = await faulty({ of: 'delivery', fault: 'duplicate' });
    local.act('test');
    await local.came(2);
    expect(local.got[0]).toBe(local.got[1]);
  });
  test('reorders: the next one comes first', async () => {
    const local = await faulty({ of: 'delivery', fault: 'reorder', ms: 60_000 });
    local.act('buy', { product: 'gold.monthly' });
    local.act('cancel');
    await local.came(2);
    expect(local.types()).toEqual(['DID_CHANGE_RENEWAL_STATUS', 'SUBSCRIBED']);
  });
  test('delays: others come before it', async () => {
    const local = await faulty({ of: 'delivery', fault: 'delay', ms: 300 });
    local.act('buy', { product: 'gold.monthly' });
    local.act('cancel');
    await local.came(2);
    expect(local.types()).toEqual(['DID_CHANGE_RENEWAL_STATUS', 'SUBSCRIBED']);
  });
  test('is of one tenant, where that is said', async () => {
    const local = await faulty({ of: 'delivery', fault: 'lose', tenant: 'aurora' });
    local.act('test', { environment: 'sandbox' });
    await local.came(1);
    expect(local.store.faults.list()).toHaveLength(1);
  });
  test.each<[string, unknown, string]>([
    [
      'that nobody knows',
      { of: 'delivery', fault: '500' },
      'fault: must be one of lose, forget, duplicate, delay, reorder',
    ],
    ['of nothing', { fault: 'lose' }, 'of: Invalid option: expected one of "delivery"|"api"'],
    ['that is no object', 'lose', 'the body: Invalid input: expected object, received string'],
  ])('%s is refused', (_, fault, detail) => expect(parseAppStoreFault(fault)).toMatchObject({ detail }));
});

describe('after a restart', () => {
  test('it knows purchases, notifications and keys, and goes on counting', async () => {
    const before = await openStore();
    before.act('buy', { product: 'gold.monthly' });
    before.act('cancel');
    await before.came(2);
    await quiet(before);
    await before.close();
    const after = await openStore({ data: before.data });
    expect(after.store.roots).toEqual(before.store.roots);
    expect(after.store.notices.list('demo', 'Production')).toEqual(before.store.notices.list('demo', 'Production'));
    expect(after.store.shop.shown(Act.parse({}))).toMatchObject({ product: 'gold.monthly', renews: false });
    expect(after.got, 'nothing is delivered again').toEqual([]);
    after.act('buy', { product: 'theme.dark' });
    await after.came(1);
    const { data } = decodeJwt(after.got[0] ?? '') as Json;
    expect(decodeJwt(data.signedTransactionInfo).transactionId).toBe('2000000000002');
  });
  test('it delivers what it had not, and only that', async () => {
    const before = await openStore({ said: [200, 500], hourMs: 3_600_000 });
    before.act('buy', { product: 'gold.monthly' });
    before.act('cancel');
    await before.came(2);
    await quiet(before);
    await before.close();
    const after = await openStore({ data: before.data });
    await after.came(1);
    await quiet(after);
    expect(after.types()).toEqual(['DID_CHANGE_RENEWAL_STATUS']);
    expect(attemptsOf(after)).toEqual([['SUCCESS'], [FAILED, 'SUCCESS']]);
  });
});

describe('the development routes', () => {
  const routesOf = async () => {
    const local = await openStore();
    const reconcile = vi.fn(async () => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    const routes = appStoreRoutes(local.store, reconcile);
    const call = async (route: string, body: unknown = {}) =>
      routes[route]?.({ query: new URLSearchParams(), body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { ...local, call, reconcile };
  };
  test('give a developer what a device would have', async () => {
    const { call, store } = await routesOf();
    const bought = (await call('POST /dev/appstore/buy', { product: 'theme.dark', customer: 'ben' })) as Json;
    expect(bought).toMatchObject({
      status: 200,
      body: { notifications: [{ type: 'ONE_TIME_CHARGE' }], purchase: { product: 'theme.dark', customer: 'ben' } },
    });
    expect(decodeJwt(bought.body.purchase.signedTransaction)).toMatchObject({ productId: 'theme.dark' });
    const shown = (await call('GET /dev/appstore')) as Json;
    expect(shown.body.apps).toMatchObject([
      { tenant: 'demo', environment: 'Production', purchases: [{ product: 'theme.dark' }], notifications: [{}] },
    ]);
    expect(JSON.stringify(shown.body)).not.toContain('signedPayload');
    expect(store.notices.list('demo', 'Production')).toHaveLength(1);
  });
  test.each([
    ['{', 400],
    [{ product: 'gold.monthly', colour: 'red' }, 400],
    [{ product: 'gold.monthly', accountToken: 'me' }, 400],
    [{ product: 'gold.monthly', environment: 'xcode' }, 400],
    [{ product: 'nope' }, 409],
    [{}, 409],
  ])('say what is wrong with %j', async (body, status) => {
    const { call } = await routesOf();
    expect(await call('POST /dev/appstore/buy', body)).toMatchObject({ status, body: { detail: expect.any(String) } });
  });
  test('take faults, list them and take them back', async () => {
    const { call, reconcile } = await routesOf();
    const fault = { of: 'api', fault: '429', times: 2, ms: 5 };
    expect(await call('POST /dev/appstore-faults', fault)).toEqual({ status: 200, body: { faults: [fault] } });
    expect(await call('GET /dev/appstore-faults')).toEqual({ status: 200, body: { faults: [fault] } });
    expect(await call('DELETE /dev/appstore-faults')).toEqual({ status: 200, body: { faults: [] } });
    expect(await call('POST /dev/appstore-faults', { of: 'api', fault: 'x' })).toMatchObject({ status: 400 });
    expect(await call('POST /dev/appstore/reconcile')).toMatchObject({ status: 200 });
    expect(reconcile).toHaveBeenCalledOnce();
  });
});

function tenantNamed(name: string) {
  const found = tenants.find(({ tenant }) => tenant === name);
  if (!found) throw new Error(`no tenant ${name}`);
  return found;
}
function demo() {
  const { purchases } = tenantNamed('demo');
  if (!purchases) throw new Error('demo sells nothing');
  return purchases;
}
