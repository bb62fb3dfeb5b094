/** What one person's purchases are by now, asked of the local App Store; and what it is told when it asks. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Tenant } from '../../core/tenants.ts';
import { entitlementsOf, makeAccountToken, setConsent } from '../../functions/customer.ts';
import { parseChain } from '../../functions/purchases/appstore-ask.ts';
import { keep } from '../../functions/purchases/appstore-keep.ts';
import { type AskJob, answerAsk } from '../../functions/purchases/ask.ts';
import { claim } from '../../functions/purchases/claim.ts';
import { entitle } from '../../functions/purchases/entitle.ts';
import { reconcileAll } from '../../functions/purchases/reconcile.schedule.ts';
import { restore } from '../../functions/purchases/restore.http.ts';
import { trustOf, verifyNotification } from '../../functions/purchases/verify.ts';
import { Act } from '../../local/providers/appstore-acts.ts';
import type { Notice } from '../../local/providers/appstore-book.ts';
import { openStore } from '../local/appstore-stage.ts';
import { tenants } from '../local/stage.ts';
import { ada, ben, demo } from '../people.ts';
import { HOUR, openTables } from './stores.ts';

const here = vi.hoisted(() => ({ pem: '', tenants: new Map<string, unknown>() }));
vi.mock('../../core/secrets.ts', () => ({ readSecret: async () => here.pem }));
vi.mock('../../core/env.ts', async (original) => ({
  ...(await original<object>()),
  allTenants: () => here.tenants,
  tenantOf: (id: string) => here.tenants.get(id),
}));

const actor = { tenant: demo, user: ada };
const statuses: AskJob = { type: 'statuses', ...actor, attempt: 0, notBefore: 0 };

const stage = async (change: Partial<NonNullable<Tenant['purchases']>> = {}) => {
  const tables = openTables(Date.now());
  const { deps, clock } = tables;
  const local = await openStore({ hourMs: 3_600_000, now: () => clock.ms });
  here.pem = local.pem;
  const [demoFile] = tenants.filter(({ tenant }) => tenant === 'demo');
  if (!demoFile?.purchases) throw new Error('demo sells nothing');
  const tenant: Tenant = { ...demoFile, purchases: { ...demoFile.purchases, ...change, appstore: local.config } };
  here.tenants = new Map([['demo', tenant]]);
  const token = await makeAccountToken(deps, actor);
  /** As the webhook and the stream do. */
  const hear = async ({ signedPayload }: Notice): Promise<string> => {
    clock.ms += 1000;
    const verified = await verifyNotification(trustOf(tenant), signedPayload, deps.now());
    if ('refused' in verified) throw new Error(JSON.stringify(verified));
    const { chain } = await keep(deps, demo, verified, signedPayload);
    await entitle(deps, demo, chain);
    return chain;
  };
  const buy = async (product: string, more: object = {}): Promise<string> => {
    const [notice] = local.act('buy', { product, accountToken: token, ...more });
    if (!notice) throw new Error('nothing was told');
    return hear(notice);
  };
  const ask = async (job: AskJob = statuses): Promise<void> => {
    clock.ms += 1000;
    await answerAsk(deps, job);
  };
  const entitled = async () => {
    for (const chain of new Set(tables.kept().map((each) => each.split(' ')[0] ?? '')))
      await entitle(deps, demo, chain);
    const { entitlements } = await entitlementsOf(deps, actor, deps.now());
    return entitlements.map(({ name, active }) => `${name} ${active}`);
  };
  const lookedUp = () => tables.said('purchases looked up').at(-1);
  const fault = (fault: string, ms = 1) => local.store.faults.add({ of: 'api', fault, times: 1, ms });
  return { ...tables, local, tenant, buy, hear, ask, entitled, lookedUp, fault };
};

beforeEach(() => here.tenants.clear());

describe('who asks for their purchases', () => {
  test('hears of what no notification said, and of the customer’s other purchases', async () => {
    const { buy, local, ask, entitled, lookedUp, kept } = await stage();
    await buy('silver.monthly');
    local.act('upgrade', { product: 'gold.yearly' });
    local.act('buy', { product: 'theme.dark', accountToken: undefined });
    expect(await entitled()).toEqual(['silver true']);
    await ask();
    expect(lookedUp()).toMatchObject({ asked: 1, refused: 0 });
    expect(await entitled(), 'nothing is claimed by it').toEqual(['gold true']);
    expect(new Set(kept().map((each) => each.split(' ')[0])).size).toBe(2);
  });
  test('twice, keeps once what is said twice', async () => {
    const { buy, ask, kept, lookedUp } = await stage();
    await buy('gold.monthly');
    await buy('theme.dark');
    const before = kept();
    await ask();
    await ask();
    expect(lookedUp()).toMatchObject({ asked: 1, read: 3, fresh: 0 });
    expect(kept()).toEqual(before);
  });
  test('of two Apple accounts and both environments asks for each', async () => {
    const { buy, ask, lookedUp } = await stage();
    await buy('gold.monthly');
    await buy('silver.monthly', { customer: 'family' });
    await buy('theme.dark', { environment: 'sandbox' });
    await ask();
    expect(lookedUp()).toMatchObject({ asked: 3, fresh: 0 });
  });
  test('with a long history reads all of its pages', async () => {
    const { buy, local, ask, lookedUp, kept } = await stage();
    await buy('gold.monthly');
    for (let i = 0; i < 45; i++) local.act('renew');
    await ask();
    expect(lookedUp()).toMatchObject({ asked: 1, read: 1 + 46 });
    expect(kept().length).toBeGreaterThanOrEqual(46);
  });
  test('and has none asks nobody', async () => {
    const { ask, lookedUp } = await stage();
    await ask();
    expect(lookedUp()).toMatchObject({ asked: 0 });
  });
});

describe('a store that does not answer', () => {
  test('is asked again when it says so, and not before', async () => {
    const { buy, ask, fault, queued, clock, lookedUp } = await stage();
    await buy('gold.monthly');
    fault('429', 30 * 60_000);
    await ask();
    const [first] = queued.splice(0);
    expect(first?.delay).toBe(900);
    expect(first?.job).toMatchObject({ attempt: 1 });
    clock.ms += 900_000;
    await ask(first?.job);
    const [second] = queued.splice(0);
    expect(second?.delay, 'no try of it is spent').toBeLessThanOrEqual(900);
    expect(second?.job).toEqual(first?.job);
    clock.ms += 901_000;
    await ask(second?.job);
    expect(queued).toEqual([]);
    expect(lookedUp()).toMatchObject({ asked: 1 });
  });
  test.each([
    ['500', 1],
    ['html', 1],
    ['half', 1],
    ['404', 1],
  ])('and says %s is asked again later', async (what, attempt) => {
    const { buy, ask, fault, queued, said } = await stage();
    await buy('gold.monthly');
    fault(what);
    await ask();
    expect(queued).toMatchObject([{ job: { attempt } }]);
    expect(queued[0]?.delay).toBeGreaterThanOrEqual(15);
    expect(said('ask put off')).toHaveLength(1);
  });
  test('is given up after ten times', async () => {
    const { buy, ask, fault, queued, said } = await stage();
    await buy('gold.monthly');
    fault('500');
    await ask({ ...statuses, attempt: 9 });
    expect(queued).toEqual([]);
    expect(said('ask given up')).toMatchObject([{ level: 'error' }]);
  });
  test('because our key is wrong, is told to somebody', async () => {
    const { buy, ask, fault, queued, said } = await stage();
    await buy('gold.monthly');
    fault('401');
    fault('401');
    await ask();
    expect(said('store denied')).toMatchObject([{ level: 'error' }]);
    expect(queued).toMatchObject([{ delay: 900 }]);
  });
});

describe('a store that asks how a purchase was used', () => {
  const asked = async (change = {}) => {
    const all = await stage(change);
    const chain = await all.buy('coins.100', { quantity: 2 });
    const [request] = all.local.act('consume-request', { product: 'coins.100' });
    if (request) await all.hear(request);
    const transaction = request?.transactions[0] ?? '';
    const job: AskJob = { type: 'consumption', tenant: demo, chain, transaction, attempt: 0, notBefore: 0 };
    return { ...all, job };
  };
  test('is told so, of who agreed', async () => {
    const { deps, job, ask, local } = await asked();
    await setConsent(deps, actor, true);
    await ask(job);
    expect(local.store.told).toMatchObject([
      {
        transaction: job.type === 'consumption' && job.transaction,
        customerConsented: true,
        deliveryStatus: 'DELIVERED',
      },
    ]);
  });
  test.each<[string, object, (all: Awaited<ReturnType<typeof asked>>) => Promise<unknown>]>([
    ['no consent', {}, async () => undefined],
    ['no consent', {}, ({ deps }) => setConsent(deps, actor, true).then(() => setConsent(deps, actor, false))],
    ['no policy', { consumption: undefined }, ({ deps }) => setConsent(deps, actor, true)],
    [
      'too late',
      {},
      async ({ deps, clock }) => {
        await setConsent(deps, actor, true);
        clock.ms += 12 * HOUR;
      },
    ],
  ])('is told nothing: %s', async (reason, change, prepare) => {
    const all = await asked(change);
    await prepare(all);
    await all.ask(all.job);
    expect(all.local.store.told).toEqual([]);
    expect(all.said('consumption not told')).toMatchObject([{ reason }]);
    expect(all.queued).toEqual([]);
  });
  test('about a purchase that it never asked about is told nothing', async () => {
    const { deps, job, ask, local, said } = await asked();
    await setConsent(deps, actor, true);
    await ask({ ...job, transaction: '1' } as AskJob);
    expect(local.store.told).toEqual([]);
    expect(said('consumption not told')).toMatchObject([{ reason: 'not asked' }]);
  });
  test('and fails is told later', async () => {
    const { deps, job, ask, local, fault, queued } = await asked();
    await setConsent(deps, actor, true);
    fault('500');
    await ask(job);
    await ask(queued[0]?.job);
    expect(local.store.told).toHaveLength(1);
  });
});

describe('who shows a transaction', () => {
  test('has it only by all that was signed of it, also by what its stream has not heard of yet', async () => {
    const { deps, local, hear, tenant } = await stage();
    const [bought] = local.act('buy', { product: 'gold.monthly', accountToken: undefined });
    if (!bought) throw new Error('nothing was told');
    await hear(bought);
    // Bought again with a token, and no stream has told of it.
    local.act('expire', { product: 'gold.monthly' });
    const again = local.act('resubscribe', {
      product: 'gold.monthly',
      accountToken: await makeAccountToken(deps, actor),
    });
    for (const { signedPayload } of again) {
      const verified = await verifyNotification(trustOf(tenant), signedPayload, deps.now());
      if ('refused' in verified) throw new Error(JSON.stringify(verified));
      await keep(deps, demo, verified, signedPayload);
    }
    const shown = local.store.shop.shown(Act.parse({ product: 'gold.monthly' }));
    expect(await claim(deps, { tenant: demo, user: ben }, shown?.signedTransaction ?? '')).toMatchObject({
      rejected: 'claimed-by-another',
    });
  });
});

describe('POST /v1/purchases/restore', () => {
  test('asks once in ten minutes, whoever comes at once', async () => {
    const { deps, queued, clock } = await stage();
    const answers = await Promise.all(Array.from({ length: 5 }, () => restore({ actor }, deps)));
    expect(answers.map(({ state }) => state).sort()).toEqual(['asked', ...Array(4).fill('asked-before')].sort());
    const next = new Date(clock.ms + 600_000).toISOString();
    expect(new Set(answers.map((answer) => answer.next))).toEqual(new Set([next]));
    expect(queued).toMatchObject([{ delay: 0, job: statuses }]);
    clock.ms += 600_000 - 1;
    expect(await restore({ actor }, deps)).toEqual({ state: 'asked-before', next });
    clock.ms += 1;
    expect(await restore({ actor }, deps)).toMatchObject({ state: 'asked' });
  });
  test('may be sent again at once where the queue did not take it', async () => {
    const { deps, queued } = await stage();
    const broken = { ...deps, enqueue: () => Promise.reject(new Error('no queue')) };
    await expect(restore({ actor }, broken)).rejects.toMatchObject({ init: { code: 'busy' } });
    expect(await restore({ actor }, deps)).toMatchObject({ state: 'asked' });
    expect(queued).toHaveLength(1);
  });
  test('is nowhere for a tenant that sells nothing', async () => {
    const { deps, tenant } = await stage();
    here.tenants.set('demo', { ...tenant, purchases: undefined });
    await expect(restore({ actor }, deps)).rejects.toMatchObject({ init: { status: 404 } });
  });
});

describe('the schedule', () => {
  test('waits where a store has trouble, and says who was never heard of', async () => {
    const { deps, local, tenant, kept, said, fault, clock } = await stage();
    await reconcileAll(deps);
    local.act('buy', { product: 'gold.monthly' });
    local.act('buy', { product: 'gold.monthly', environment: 'sandbox' });
    clock.ms += 1000;
    fault('500');
    await reconcileAll(deps);
    expect(said('reconcile failed')).toMatchObject([{ tenant: 'demo', level: 'warn' }]);
    const { config } = local;
    for (const [name, key] of [
      ['lost', 'NOBODYSKEY'],
      ['slow', config.keyId],
    ] as const)
      here.tenants.set(name, {
        ...{ ...tenant, tenant: name },
        purchases: { ...tenant.purchases, appstore: { ...config, keyId: key, environments: ['Production'] } },
      });
    fault('500');
    await expect(reconcileAll(deps)).rejects.toThrow('2 of 4 histories could not be read');
    expect(said('reconcile late')).toMatchObject([
      { tenant: 'lost', level: 'error' },
      { tenant: 'slow', level: 'error' },
    ]);
    await expect(reconcileAll(deps)).rejects.toThrow();
    expect(kept().length).toBeGreaterThanOrEqual(2);
  });
  test('says so when a history begins after what is known', async () => {
    const { deps, clock, said } = await stage();
    await reconcileAll(deps);
    clock.ms += 31 * 24 * HOUR;
    await reconcileAll(deps).catch(() => undefined);
    expect(said('reconcile lost')).toMatchObject([{ environment: 'sandbox', level: 'error' }]);
  });
});

test.each([
  ['appstore-production-2000000012', { environment: 'Production', original: '2000000012' }],
  ['appstore-sandbox-2000000012', { environment: 'Sandbox', original: '2000000012' }],
  ['appstore-sandbox-notices-2026-11', undefined],
  ['playstore-sandbox-1', undefined],
  ['appstore-xcode-1', undefined],
])('the chain %s is asked for as %j', (chain, of) => expect(parseChain(chain)).toEqual(of));
