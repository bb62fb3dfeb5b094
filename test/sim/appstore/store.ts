/**
 * The App Store beside a cloud: it sells to people and says what becomes of a purchase, each time anew until it is told 200. Posts
 * and answers get lost, come twice, and pass one another; some that arrive were never sent by it.
 */
import type { Tenant } from '../../../core/tenants.ts';
import { catalogueOf } from '../../../local/providers/appstore-catalogue.ts';
import { createLife, Impossible, type Life, type Told } from '../../../local/providers/appstore-life.ts';
import { signNotice } from '../../../local/providers/appstore-shop.ts';
import type { Faults } from '../faults.ts';
import type { Functions, HttpAnswer } from '../functions.ts';
import type { Dice } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Signer } from './signing.ts';

export type Notice = {
  tenant: string;
  id: string;
  about: string;
  original: string | undefined;
  raw: string;
  heard: boolean;
};
export type Standing = ReturnType<Life['purchase']>;

export type Store = {
  /** Everything that was ever said to the webhook. */
  notices: Notice[];
  /** Transactions that devices were given, by their bytes. */
  given: Set<string>;
  /** Posts that still go on. */
  running: () => number;
  products: (tenant: string) => string[];
  purchases: (tenant: string) => Standing[];
  /** Did the customer say who they are here? */
  isNamed: (tenant: string, purchase: Standing) => boolean;
  /** May another person take it over, as the tenant wants it? What can be spent never moves. */
  moves: (tenant: string, purchase: Standing) => boolean;
  /** How many of what can be spent were paid back. */
  unitsBack: (tenant: string, purchase: Standing) => number;
  /** What happens there; Apple tells of it. @returns undefined when it can not happen now */
  act: <T>(tenant: string, what: (life: Life) => T) => T | undefined;
  /** A transaction as a device has it. */
  show: (tenant: string, transaction: string) => string;
};

type Needs = {
  tenants: readonly Tenant[];
  signer: Signer;
  scheduler: Scheduler;
  faults: Faults;
  dice: Dice;
  functions: Pick<Functions, 'http'>;
  violation: (what: string) => void;
};

/** Clocks of functions may be wrong by five minutes, and nothing of the future is believed. */
const EARLIER_MS = 60_000;
const SPREAD_MS = 15_000;
const PAUSE_MS = 4000;
const PATIENCE = 10;
const ROUTE = 'POST /v1/appstore/notifications/{tenant}';

/** Ids and times that are the same in every run of a seed. */
const lifeOf = (tenant: Tenant, now: () => number): Life => {
  const { bundleId = '', appAppleId = 0 } = tenant.purchases?.appstore ?? {};
  let uuids = 0;
  return createLife({
    ...{ bundleId, appAppleId, environment: 'Production', products: catalogueOf(tenant), now },
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  });
};

export const createStore = (needs: Needs): Store => {
  const { signer, scheduler, faults, dice, functions, violation } = needs;
  const lives = new Map(
    needs.tenants.map((each) => [String(each.tenant), lifeOf(each, () => Math.floor(scheduler.now()) - EARLIER_MS)]),
  );
  const told = new Map<string, number>();
  const [notices, given]: [Notice[], Set<string>] = [[], new Set()];
  let running = 0;

  const lifeIn = (tenant: string): Life => {
    const life = lives.get(tenant);
    if (!life) throw new Error(`${tenant} sells nothing`);
    return life;
  };
  const post = (at: string, tenant: string, signedPayload: string): Promise<HttpAnswer> =>
    functions.http(at, { tenant, user: 'appstore' }, { route: ROUTE, params: { tenant }, body: { signedPayload } });

  /** One attempt. @returns whether the store heard that it is there */
  const attempt = async (notice: Notice, at: string): Promise<boolean> => {
    const fault = faults.decide(at, ['lost before', 'lost after', 'redelivered']);
    if (fault === 'lost before') return false;
    const answer = post(at, notice.tenant, notice.raw);
    if (fault === 'redelivered') void post(`${at} again`, notice.tenant, notice.raw).catch(() => undefined);
    const { status } = await answer;
    if (status >= 400 && status < 500) violation(`webhook: ${at} was answered ${status}`);
    return status === 200 && fault !== 'lost after';
  };
  const deliver = async (notice: Notice): Promise<void> => {
    running++;
    // What is said at once arrives in any order.
    await scheduler.wait(dice.chance(0.5) ? 0 : dice.below(SPREAD_MS), `${notice.about} is on its way`);
    // Once nothing goes wrong any more, a few times are enough.
    for (let [n, left] = [1, PATIENCE]; !notice.heard && left > 0; n++) {
      if (faults.healed()) left--;
      if (n > 1) await scheduler.wait(1 + dice.below(PAUSE_MS), `${notice.about} is said again`);
      notice.heard = await attempt(notice, `${notice.about} post ${n}`);
    }
    running--;
  };
  const say = (tenant: string, each: Told): void => {
    const { notificationUUID: id, notificationType, data } = each;
    const raw = signNotice(signer.sign, each);
    const original = data?.transaction?.originalTransactionId;
    const about = `${tenant} appstore ${notificationType} ${id.slice(-4)}`;
    const notice = { tenant, id, about, original, raw, heard: false };
    notices.push(notice);
    void deliver(notice);
    if (dice.chance(0.2)) void forge(notice);
  };
  /** Somebody else says something like it: its own text with another's signature, or what was signed for another app. */
  const forge = async ({ tenant, about, raw }: Notice): Promise<void> => {
    running++;
    const [header = '', payload = '', signature = ''] = raw.split('.');
    const text = Buffer.from(payload, 'base64url').toString().replace('"quantity":1', '"quantity":9');
    const forged = [header, Buffer.from(text.replace('00000000-', '11111111-')).toString('base64url'), signature].join(
      '.',
    );
    const [, other] = dice.shuffled([...lives.keys()].filter((each) => each !== tenant));
    await scheduler.wait(dice.below(SPREAD_MS), `${about} is forged`);
    const to = other !== undefined && dice.chance(0.5) ? other : tenant;
    const answer = await post(`${about} forged`, to, to === tenant ? forged : raw);
    if (answer.status < 400) violation(`webhook: what was forged of ${about} was answered ${answer.status}`);
    running--;
  };
  const flush = (tenant: string): void => {
    const all = lifeIn(tenant).told();
    const fresh = all.slice(told.get(tenant) ?? 0);
    told.set(tenant, all.length);
    for (const each of fresh) say(tenant, each);
  };
  return {
    ...{ notices, given, running: () => running },
    products: (tenant) => catalogueOf(needs.tenants.find((each) => each.tenant === tenant) ?? {}).map(({ id }) => id),
    purchases: (tenant) => lifeIn(tenant).purchases(),
    isNamed: (tenant, { transaction }) => lifeIn(tenant).transaction(transaction).appAccountToken !== undefined,
    moves: (tenant, { kind }) =>
      kind !== 'Consumable' && needs.tenants.find((each) => each.tenant === tenant)?.purchases?.restore === 'transfer',
    unitsBack: (tenant, { transaction }) => {
      const { quantity = 1, revocationDate, revocationPercentage = 100_000 } = lifeIn(tenant).transaction(transaction);
      return revocationDate === undefined ? 0 : Math.floor((quantity * revocationPercentage) / 100_000);
    },
    act: (tenant, what) => {
      try {
        return what(lifeIn(tenant));
      } catch (error) {
        if (error instanceof Impossible) return undefined;
        throw error;
      } finally {
        flush(tenant);
      }
    },
    show: (tenant, transaction) => {
      const raw = signer.sign(lifeIn(tenant).transaction(transaction));
      given.add(raw);
      return raw;
    },
  };
};
