/** Three days on which no notification arrives, and nobody has less by it: through the local App Store, over real HTTP. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Tenant } from '../../core/tenants.ts';
import { readEntry } from '../../functions/purchases/appstore-entry.ts';
import { keep } from '../../functions/purchases/appstore-keep.ts';
import { sourcesOf } from '../../functions/purchases/appstore-source.ts';
import { type Entry, readChain } from '../../functions/purchases/audit.ts';
import { fold, isEntitled } from '../../functions/purchases/purchase.ts';
import { reconcile } from '../../functions/purchases/reconcile.ts';
import { StoreError } from '../../functions/purchases/store-error.ts';
import { trustOf, verifyNotification } from '../../functions/purchases/verify.ts';
import { type ActName, actNames } from '../../local/providers/appstore-acts.ts';
import { Impossible } from '../../local/providers/appstore-life.ts';
import { openStore } from '../local/appstore-stage.ts';
import { tenants } from '../local/stage.ts';
import { demo } from '../people.ts';
import { DAY, HOUR, openTables } from './stores.ts';

const key = vi.hoisted(() => ({ pem: '' }));
vi.mock('../../core/secrets.ts', () => ({ readSecret: async () => key.pem }));

const FOR_EVER = Number.MAX_SAFE_INTEGER;
const SEED = 20260723;
const step = fc.record({
  what: fc.constantFrom<ActName>(...actNames),
  customer: fc.constantFrom('ada', 'ben', 'cleo', 'dora', 'emil'),
  product: fc.constantFrom('gold.monthly', 'gold.yearly', 'silver.monthly', 'theme.dark', 'coins.100', 'season.pass'),
  environment: fc.constantFrom('Production', 'Sandbox'),
  percent: fc.constantFrom(40, 100),
});

/** Lives of a few customers over three days that end now; every delivery of which is lost. */
const threeDays = async (steps: number) => {
  const now = Date.now();
  const time = { ms: now - 3 * DAY };
  const local = await openStore({ now: () => time.ms, hourMs: 0 });
  key.pem = local.pem;
  local.store.faults.add({ of: 'delivery', fault: 'lose', times: 1_000_000, ms: 0 });
  for (const { what, ...act } of fc.sample(step, { numRuns: steps, seed: SEED })) {
    time.ms += (3 * DAY - HOUR) / steps;
    try {
      local.act(what, act);
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
    }
  }
  time.ms = now;
  const demo = tenants.find(({ tenant }) => tenant === 'demo');
  if (!demo?.purchases) throw new Error('demo sells nothing');
  const tenant: Tenant = { ...demo, purchases: { ...demo.purchases, appstore: local.config } };
  const notices = (['Production', 'Sandbox'] as const).flatMap((each) => local.store.notices.list('demo', each));
  return { ...local, tenant, notices, now };
};

/** What everybody has in the end, by chain. */
const outcome = async (tables: ReturnType<typeof openTables>, now: number) => {
  const chains = [...new Set(tables.kept().map((each) => each.split(' ')[0] ?? ''))].sort();
  const read = async (chain: string): Promise<Entry[]> => readChain(tables.deps, demo, chain);
  return Promise.all(
    chains.map(async (chain) => {
      const facts = (await read(chain)).flatMap((entry) => readEntry(entry).fact ?? []);
      const purchase = fold(facts);
      return { chain, purchase, entitled: purchase && isEntitled(purchase, now) };
    }),
  );
};

describe('three days without any notification', () => {
  test(`end with what every notification would have led to (seed ${SEED})`, async () => {
    const { tenant, notices, now, got } = await threeDays(800);
    expect(got, 'nothing was delivered').toEqual([]);
    expect(notices.length).toBeGreaterThan(80);

    const told = openTables(now);
    for (const { signedPayload } of notices) {
      const verified = await verifyNotification(trustOf(tenant), signedPayload, new Date(now));
      if ('refused' in verified) throw new Error(JSON.stringify(verified));
      await keep(told.deps, demo, verified, signedPayload);
    }

    const read = openTables(now);
    for (const source of sourcesOf(read.deps, tenant)) {
      const done = await reconcile(read.deps, source, FOR_EVER);
      expect(done).toMatchObject({ refused: 0, parked: 0, behind: false });
    }
    expect(read.kept()).toEqual(told.kept());
    expect(await outcome(read, now)).toEqual(await outcome(told, now));
    expect((await outcome(read, now)).filter(({ entitled }) => entitled).length).toBeGreaterThan(3);
  });

  test('end so too where the store floods, fails and answers with half of its bytes', async () => {
    const { tenant, notices, now, store } = await threeDays(120);
    const tables = openTables(now);
    const faults = ['429', '500', 'html', 'half', '404', '401', '401'];
    for (const fault of faults) store.faults.add({ of: 'api', fault, times: 1, ms: 1 });
    const troubles: unknown[] = [];
    for (let runs = 0; runs < 10; runs++)
      for (const source of sourcesOf(tables.deps, tenant))
        await reconcile(tables.deps, source, FOR_EVER).catch((error: unknown) => {
          troubles.push(error instanceof StoreError ? error.trouble.kind : error);
        });
    expect(troubles).toEqual(['later', 'later', 'later', 'later', 'later', 'denied']);
    expect(tables.kept()).toHaveLength(notices.length);
  });
});
