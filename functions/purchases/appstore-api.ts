/**
 * The App Store Server API. Endpoints and types are `app-store-server-api`'s; the transport is ours (appstore-transport.ts), and so
 * is the trust: what comes back is a signed text that only verify.ts may believe.
 */
import { AppStoreServerAPI, Environment, SortParameter } from 'app-store-server-api';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type AppStore, createAppStoreTokens, type ReadKey, readAppStoreKey } from './appstore-token.ts';
import { createTransport } from './appstore-transport.ts';
import { StoreError } from './store-error.ts';

const DEADLINE_MS = 8_000;
/** Apple allows 50 calls a second for each method, and 5 in the sandbox; we never make two at once. */
const GAP_MS = { Production: 20, Sandbox: 200 } as const;

const Jws = z
  .string()
  .min(1)
  .max(256 * 1024);

const NotificationHistory = z.object({
  notificationHistory: z
    .array(z.object({ signedPayload: Jws }))
    .max(1_000)
    .default([]),
  hasMore: z.boolean().default(false),
  paginationToken: z.string().min(1).max(4_096).optional(),
});

const StatusItem = z.object({
  originalTransactionId: z.string(),
  status: z.int(),
  signedTransactionInfo: Jws,
  signedRenewalInfo: Jws,
});
export type StatusItem = z.infer<typeof StatusItem>;
const Statuses = z.object({ data: z.array(z.object({ lastTransactions: z.array(StatusItem) })).default([]) });

const History = z.object({
  signedTransactions: z.array(Jws).max(1_000).default([]),
  hasMore: z.boolean().default(false),
  revision: z.string().min(1).max(4_096).optional(),
});

const Sent = z.object({ testNotificationToken: z.string().min(1) });

/** What Apple is told of a purchase that its customer wants refunded (V2). The library's own type is that of V1. */
export type ConsumptionBody = {
  customerConsented: true;
  deliveryStatus: 'DELIVERED';
  sampleContentProvided: boolean;
  refundPreference?: 'DECLINE' | 'GRANT_FULL' | 'GRANT_PRORATED';
};

type Page = { signed: string[]; next?: string };

/** @throws StoreError from each */
export type AppStoreApi = {
  /** What was signed in a span of time (Unix ms); the same span for each of its pages. */
  notifications: (span: { from: number; to: number }, token?: string) => Promise<Page>;
  /** All subscriptions of the customer who made a transaction. */
  statuses: (transaction: string) => Promise<StatusItem[]>;
  /** All transactions of that customer, the newest first. */
  history: (transaction: string, revision?: string) => Promise<Page>;
  sendConsumption: (transaction: string, body: ConsumptionBody) => Promise<void>;
  /** Asks for a TEST notification. @returns the name by which Apple knows it */
  requestTest: () => Promise<string>;
};

const understood = <T>(schema: z.ZodType<T>, answer: unknown): T => {
  const { data, error } = schema.safeParse(answer);
  if (error)
    throw new StoreError({ kind: 'bug' }, `the answer is not as documented: ${error.issues[0]?.path.join('.')}`);
  return data;
};

/** The library puts it into the path as it is. */
const idOf = (transaction: string): string => {
  if (!/^[A-Za-z0-9.-]{1,64}$/.test(transaction)) throw new StoreError({ kind: 'bug' }, 'no id of a transaction');
  return transaction;
};

const pageOf = (signed: string[], hasMore: boolean, token: string | undefined): Page => {
  if (hasMore && token === undefined) throw new StoreError({ kind: 'bug' }, 'more is said to come, but not where');
  return { signed, ...(hasMore && token !== undefined ? { next: token } : {}) };
};

type Options = { deadlineMs?: number; readKey?: ReadKey };
type Ask = Pick<Deps, 'now' | 'sleep'>;

const tokens = createAppStoreTokens();

/** The library with our transport: its every method ends in `makeRequest`. */
const connect = (deps: Ask, config: AppStore, environment: keyof typeof GAP_MS, pem: string, deadlineMs: number) => {
  const { keyId, issuerId, bundleId } = config;
  const api = new AppStoreServerAPI(pem, keyId, issuerId, bundleId, Environment[environment]);
  const transport = createTransport({
    origin: environment === 'Production' ? config.production : config.sandbox,
    token: () => tokens.get(deps, config, pem),
    dropToken: (value) => tokens.drop(config, pem, value),
    now: deps.now,
    deadlineMs,
  });
  let free = 0;
  const paced: typeof transport = async (...request) => {
    const wait = free - deps.now().getTime();
    if (wait > 0) await deps.sleep(wait);
    free = deps.now().getTime() + GAP_MS[environment];
    return transport(...request);
  };
  Object.defineProperty(api, 'makeRequest', { value: paced });
  return api;
};

/** One caller's connection: its calls are to be made one after another. @throws StoreError when there is no good key */
export const createAppStoreApi = async (
  deps: Ask,
  config: AppStore,
  environment: keyof typeof GAP_MS,
  { deadlineMs = DEADLINE_MS, readKey }: Options = {},
): Promise<AppStoreApi> => {
  const api = connect(deps, config, environment, await readAppStoreKey(config, readKey), deadlineMs);
  return {
    notifications: async ({ from, to }, paginationToken) => {
      const query = paginationToken === undefined ? {} : { paginationToken };
      const answer = await api.getNotificationHistory({ startDate: from, endDate: to }, query);
      const { notificationHistory, hasMore, paginationToken: next } = understood(NotificationHistory, answer);
      return pageOf(
        notificationHistory.map(({ signedPayload }) => signedPayload),
        hasMore,
        next,
      );
    },
    statuses: async (transaction) =>
      understood(Statuses, await api.getSubscriptionStatuses(idOf(transaction))).data.flatMap(
        ({ lastTransactions }) => lastTransactions,
      ),
    history: async (transaction, revision) => {
      const query = { sort: SortParameter.Descending, ...(revision === undefined ? {} : { revision }) };
      const answer = await api.getTransactionHistory(idOf(transaction), query);
      const { signedTransactions, hasMore, revision: next } = understood(History, answer);
      return pageOf(signedTransactions, hasMore, next);
    },
    sendConsumption: async (transaction, body) => {
      // Through the door that all methods end in: the library's type for the body is that of the first version.
      await api.sendConsumptionInformation(idOf(transaction), body as never);
    },
    requestTest: async () => understood(Sent, await api.requestTestNotification()).testNotificationToken,
  };
};
