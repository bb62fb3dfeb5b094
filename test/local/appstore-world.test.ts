/** The whole system with its App Store: what a developer does at /dev/appstore is what a person has. */
import { describe, expect, test } from 'vitest';
import { ops, opsJson } from '../ops/ops.ts';
import { type Json, request, useWorld } from '../world.ts';

const world = useWorld();
const dev = async (path: string, body: Json = {}, method = 'POST') => {
  const answer = await request(world().http, method, `/dev/${path}`, method === 'GET' ? {} : { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
};
const customer = async (user: string) => {
  const person = await world().person(user);
  const { accountToken } = (await person.call('GET', '/v1/purchases/account-token')).body;
  const does = async (what: string, more: Json = {}) => {
    const done = await dev(`appstore/${what}`, { customer: user, ...more });
    await world().drain();
    return done;
  };
  const has = async () => {
    const { entitlements } = (await person.call('GET', '/v1/entitlements')).body;
    return entitlements.map(({ name, active, source }: Json) => `${name} ${active ? 'active' : source.status}`);
  };
  return { ...person, accountToken, does, has };
};

describe('what somebody buys', () => {
  test('is theirs by the account token, and follows what happens to it', async () => {
    const { does, has, accountToken } = await customer('as-ada');
    await does('buy', { product: 'gold.monthly', accountToken });
    expect(await has()).toEqual(['gold active']);
    await does('fail-billing');
    expect(await has(), 'in its grace period').toEqual(['gold active']);
    await does('recover');
    await does('refund');
    expect(await has()).toEqual(['gold revoked']);
    await does('reverse-refund');
    expect(await has()).toEqual(['gold active']);
  });
  test('without a token is theirs whose device hands it in', async () => {
    const { does, has, call } = await customer('as-ben');
    const { purchase } = await does('buy', { product: 'theme.dark' });
    expect(await has()).toEqual([]);
    const answer = await call('POST', '/v1/purchases', { signedTransaction: purchase.signedTransaction });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    await world().drain();
    expect(await has()).toEqual(['dark-theme active']);
  });
});

describe('whether notifications arrive', () => {
  test('is seen by asking for one', async () => {
    const ran = await opsJson(world(), 'appstore', 'test', 'demo', '--environment', 'sandbox');
    expect(ran, ran.err).toMatchObject({ status: 0, json: { environment: 'Sandbox', arrived: true } });
    const again = await ops(world(), 'appstore', 'test', 'demo');
    expect(again.out).toContain('It arrived');
  });
  test.each([
    [['appstore', 'test', 'nobody'], 'nobody is no tenant that sells in the App Store'],
    [['appstore', 'test', 'demo', '--environment', 'xcode'], '--environment is one of production, sandbox'],
    [['appstore', 'ask', 'demo'], 'appstore has test <tenant>, and nothing else'],
  ])('%j is not understood', async (argv, sentence) => {
    expect(await ops(world(), ...argv)).toMatchObject({ status: 2, err: `${sentence}\n` });
  });
});

describe('what no notification brought', () => {
  test('is read from the history', async () => {
    const { does, has, accountToken } = await customer('as-cleo');
    await dev('appstore-faults', { of: 'delivery', fault: 'lose' });
    await does('buy', { product: 'gold.monthly', environment: 'sandbox', accountToken });
    expect(await has()).toEqual([]);
    await dev('appstore/reconcile');
    await world().drain();
    expect(await has()).toEqual(['gold active']);
  });
  test('comes with the next attempt in production', async () => {
    const { does, has, accountToken } = await customer('as-dora');
    await dev('appstore-faults', { of: 'delivery', fault: 'lose' });
    await does('buy', { product: 'silver.monthly', accountToken });
    await expect.poll(has, { timeout: 10_000 }).toEqual(['silver active']);
  });
  test('is had when its person asks for it', async () => {
    const { does, has, call, accountToken } = await customer('as-emil');
    await does('buy', { product: 'silver.monthly', environment: 'sandbox', accountToken });
    await dev('appstore-faults', { of: 'delivery', fault: 'lose' });
    await does('upgrade', { product: 'gold.yearly', environment: 'sandbox' });
    expect(await has()).toEqual(['silver active']);
    const answer = await call('POST', '/v1/purchases/restore');
    expect([answer.status, answer.body.state]).toEqual([202, 'asked']);
    await world().drain();
    expect(await has()).toEqual(['gold active']);
    expect((await call('POST', '/v1/purchases/restore')).body).toEqual({ ...answer.body, state: 'asked-before' });
  });
});

test('a refund that Apple asks about is answered by who agreed', async () => {
  const { does, call, accountToken } = await customer('as-fay');
  const { purchase } = await does('buy', { product: 'coins.100', accountToken });
  await does('consume-request');
  expect((await dev('appstore', {}, 'GET')).consumption).toEqual([]);
  const agreed = await call('PUT', '/v1/purchases/consumption-consent', { given: true });
  expect(agreed.status, JSON.stringify(agreed.body)).toBeLessThan(300);
  await does('consume-request');
  expect((await dev('appstore', {}, 'GET')).consumption).toEqual([
    {
      ...{ transaction: purchase.transaction, at: expect.any(Number), customerConsented: true },
      ...{ deliveryStatus: 'DELIVERED', sampleContentProvided: false },
    },
  ]);
});
