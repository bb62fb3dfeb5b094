/**
 * The local App Store's shop: one world for each app and environment, which knows who bought what. It signs what it says, and hands
 * every notification to its delivery, whoever or whatever time brought it about.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Tenant } from '../../core/tenants.ts';
import { type Act, type ActName, noteAct, perform, purchaseOf, readActs } from './appstore-acts.ts';
import type { Notice, Notices, StoreEnvironment } from './appstore-book.ts';
import { catalogueOf } from './appstore-catalogue.ts';
import { createLife, Impossible, type Life, type Told } from './appstore-life.ts';
import type { Pki } from './appstore-pki.ts';

type Options = {
  data: string;
  tenants: readonly Tenant[];
  pki: Pick<Pki, 'sign'>;
  notices: Notices;
  deliver: (notice: Notice) => void;
  now: () => number;
};

type World = { tenant: string; environment: StoreEnvironment; life: Life; told: number; clock: { at?: number } };
export type Signed = { transaction: string; renewal?: string };

export type Shop = {
  /** @throws Impossible for what can not happen now */
  act: (what: ActName, act: Act) => Notice[];
  /** As a device would have it. Undefined for what has no purchase, as a test. */
  shown: (act: Act) => (ReturnType<Life['purchase']> & { signedTransaction: string }) | undefined;
  /** Asks one world; what its time has brought about is delivered. @throws Impossible for a transaction that it does not know */
  ask: <T>(tenant: string, environment: StoreEnvironment, question: (life: Life) => T) => T;
  /** Signs one payload. */
  sign: (payload: object) => string;
  worlds: () => Pick<World, 'tenant' | 'environment' | 'life'>[];
};

const createWorld = (tenant: Tenant, environment: StoreEnvironment, now: Options['now']): World => {
  const config = tenant.purchases?.appstore;
  if (!config) throw new Impossible(`${tenant.tenant} sells nothing in the App Store`);
  const clock: World['clock'] = {};
  const { bundleId, appAppleId } = config;
  const app = { bundleId, appAppleId, environment, products: catalogueOf(tenant), uuid: randomUUID };
  return {
    tenant: tenant.tenant,
    environment,
    life: createLife({ ...app, now: () => clock.at ?? now() }),
    told: 0,
    clock,
  };
};

/** The two signed texts inside are what makes it a notification of Apple's. */
export const signNotice = (sign: Shop['sign'], { data, ...told }: Told): string => {
  if (!data) return sign(told);
  const { transaction, renewal, ...rest } = data;
  return sign({
    ...told,
    data: {
      ...rest,
      ...(transaction && { signedTransactionInfo: sign(transaction) }),
      ...(renewal && { signedRenewalInfo: sign(renewal) }),
    },
  });
};

const noticeOf = ({ pki }: Options, { tenant, environment }: World, told: Told): Notice => {
  const { transaction } = told.data ?? {};
  const about = [transaction?.transactionId, transaction?.originalTransactionId].filter((id) => id !== undefined);
  return {
    ...{ uuid: told.notificationUUID, tenant, environment, signed: told.signedDate, type: told.notificationType },
    ...(told.subtype !== undefined && { subtype: told.subtype }),
    transactions: [...new Set(about)],
    signedPayload: signNotice(pki.sign, told),
    attempts: [],
  };
};

/** What was told since the last time. */
const flush = (options: Options, world: World): Notice[] => {
  const fresh = world.life.told().slice(world.told);
  world.told += fresh.length;
  const notices = fresh.map((told) => noticeOf(options, world, told));
  for (const notice of notices) {
    options.notices.add(notice);
    options.deliver(notice);
  }
  return notices;
};

/** Does again what was done before, at its time; what it told then was told. */
const replay = (worldOf: (act: Act) => World, file: string): void => {
  for (const { at, what, act } of readActs(file)) {
    const world = worldOf(act);
    world.clock.at = at;
    try {
      perform(world.life, what, act);
    } catch (error) {
      // The catalogue is another one now.
      if (!(error instanceof Impossible)) throw error;
    }
    delete world.clock.at;
    world.told = world.life.told().length;
  }
};

export const openShop = (options: Options): Shop => {
  const { tenants, pki, now } = options;
  const file = join(options.data, 'appstore-acts.jsonl');
  const worlds = new Map<string, World>();
  const worldOf = ({ tenant: id, environment }: Pick<Act, 'tenant' | 'environment'>): World => {
    const tenant = tenants.find((each) => each.tenant === id);
    if (!tenant) throw new Impossible(`there is no tenant ${id}`);
    const key = `${id} ${environment}`;
    const world = worlds.get(key) ?? createWorld(tenant, environment, now);
    worlds.set(key, world);
    return world;
  };
  replay(worldOf, file);
  const transactionOf = (life: Life, id: string): string => pki.sign(life.transaction(id));
  return {
    act: (what, act) => {
      const world = worldOf(act);
      const at = now();
      perform(world.life, what, act);
      noteAct(file, { at, what, act });
      return flush(options, world);
    },
    shown: (act) => {
      const { life } = worldOf(act);
      if (life.purchases().length === 0) return undefined;
      const purchase = purchaseOf(life, act);
      return { ...purchase, signedTransaction: transactionOf(life, act.transaction ?? purchase.transaction) };
    },
    ask: (tenant, environment, question) => {
      const world = worldOf({ tenant, environment });
      try {
        return question(world.life);
      } finally {
        flush(options, world);
      }
    },
    sign: (payload) => pki.sign(payload),
    worlds: () => [...worlds.values()],
  };
};
