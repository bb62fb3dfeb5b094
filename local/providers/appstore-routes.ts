/** Development routes: what customers of the local App Store do, what it knows, and the faults that it is asked for. */
import type { DevAnswer, DevRoutes } from '../gateway/gateway.ts';
import type { AppStore } from './appstore.ts';
import { Act, type ActName, actNames } from './appstore-acts.ts';
import { noticeShown } from './appstore-answers.ts';
import { parseAppStoreFault } from './appstore-faults.ts';
import { Impossible } from './appstore-life.ts';

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body === '' ? '{}' : body);
  } catch {
    return undefined;
  }
};

const refuse = (status: 400 | 409, reason: { detail: string; known?: string[] }): DevAnswer => ({
  status,
  body: { type: 'about:blank', title: status === 400 ? 'Bad Request' : 'Conflict', status, ...reason },
});

const doAct = ({ shop }: AppStore, what: ActName, body: string): DevAnswer => {
  const parsed = Act.safeParse(parseJson(body));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(400, { detail: `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not understood'}` });
  }
  try {
    const notices = shop.act(what, parsed.data);
    const told = notices.map(({ uuid, type, subtype }) => ({ uuid, type, ...(subtype && { subtype }) }));
    const [purchase] = notices.flatMap(({ transactions }) => transactions.at(-1) ?? []);
    const shown =
      what === 'test' ? undefined : shop.shown({ ...parsed.data, purchase: purchase ?? parsed.data.purchase });
    return { status: 200, body: { notifications: told, ...(shown && { purchase: shown }) } };
  } catch (error) {
    if (error instanceof Impossible) return refuse(409, { detail: error.message });
    throw error;
  }
};

const show = ({ shop, notices, told, faults }: AppStore): DevAnswer => ({
  status: 200,
  body: {
    apps: shop.worlds().map(({ tenant, environment, life }) => ({
      ...{ tenant, environment },
      purchases: life.purchases(),
      notifications: notices.list(tenant, environment).slice(-100).map(noticeShown),
    })),
    consumption: told.slice(-100),
    faults: faults.list(),
  },
});

const listFaults = ({ faults }: AppStore): DevAnswer => ({ status: 200, body: { faults: faults.list() } });

/** @param reconcile what the schedule does every hour */
export const appStoreRoutes = (store: AppStore, reconcile: () => Promise<unknown>): DevRoutes => ({
  ...Object.fromEntries(
    actNames.map((what) => [`POST /dev/appstore/${what}`, ({ body }: { body: string }) => doAct(store, what, body)]),
  ),
  'POST /dev/appstore/reconcile': async () => {
    await reconcile();
    return { status: 200, body: {} };
  },
  'GET /dev/appstore': () => show(store),
  'GET /dev/appstore-faults': () => listFaults(store),
  'POST /dev/appstore-faults': ({ body }) => {
    const fault = parseAppStoreFault(parseJson(body));
    if ('detail' in fault) return refuse(400, fault);
    store.faults.add(fault);
    return listFaults(store);
  },
  'DELETE /dev/appstore-faults': () => {
    store.faults.clear();
    return listFaults(store);
  },
});
