/** The App Store Server API's endpoints, by method and path. */
import { isDelivered, type Notices, type StoreEnvironment } from './appstore-book.ts';
import { type ConsumptionTold, readConsumption } from './appstore-consumption.ts';
import { type Answer, type AppStoreErrorName, appleError } from './appstore-errors.ts';
import { notificationHistory } from './appstore-history.ts';
import { Impossible, type Life } from './appstore-life.ts';
import type { Shop } from './appstore-shop.ts';

const PAGE = 20;

export type Question = {
  tenant: string;
  bundleId: string;
  appAppleId: number;
  environment: StoreEnvironment;
  /** The path's last part. */
  id: string;
  query: URLSearchParams;
  body: unknown;
};
type Parts = { shop: Shop; notices: Notices; told: ConsumptionTold[]; now: () => number };
type Endpoint = (parts: Parts, question: Question) => Answer;

const known = <T>(
  { shop }: Parts,
  { tenant, environment, id }: Question,
  read: (life: Life) => T,
  unknown: AppStoreErrorName = 'TransactionIdNotFound',
): { is: T } | Answer => {
  if (!/^\d{1,40}$/.test(id)) return appleError('InvalidTransactionId');
  try {
    return { is: shop.ask(tenant, environment, read) };
  } catch (error) {
    if (error instanceof Impossible) return appleError(unknown);
    throw error;
  }
};

const app = ({ environment, bundleId, appAppleId }: Question) => ({
  environment,
  bundleId,
  ...(environment === 'Production' && { appAppleId }),
});

const statuses: Endpoint = (parts, question) => {
  const found = known(parts, question, (life) => life.statuses(question.id));
  if (!('is' in found)) return found;
  const { sign } = parts.shop;
  const data = found.is.map(({ subscriptionGroupIdentifier, lastTransactions }) => ({
    subscriptionGroupIdentifier,
    lastTransactions: lastTransactions.map(({ transaction, renewal, ...last }) => ({
      ...last,
      signedTransactionInfo: sign(transaction),
      signedRenewalInfo: sign(renewal),
    })),
  }));
  return { status: 200, body: { ...app(question), data } };
};

/** A revision says how many were seen, and in which order. */
const history: Endpoint = (parts, question) => {
  const found = known(parts, question, (life) => life.history(question.id));
  if (!('is' in found)) return found;
  const sort = question.query.get('sort') ?? 'ASCENDING';
  if (!['ASCENDING', 'DESCENDING'].includes(sort)) return appleError('InvalidSort');
  const revision = question.query.get('revision');
  const [, order, count] = /^(ASCENDING|DESCENDING)_(\d{1,9})$/.exec(revision ?? `${sort}_0`) ?? [];
  if (order !== sort || count === undefined) return appleError('InvalidRequestRevision');
  const all = sort === 'ASCENDING' ? found.is : found.is.toReversed();
  const seen = Math.min(all.length, Number(count) + PAGE);
  const signedTransactions = all.slice(Number(count), seen).map((payload) => parts.shop.sign(payload));
  const more = { revision: `${sort}_${seen}`, hasMore: seen < all.length };
  return { status: 200, body: { ...app(question), ...more, signedTransactions } };
};

const transaction: Endpoint = (parts, question) => {
  const found = known(parts, question, (life) => life.transaction(question.id));
  return 'is' in found ? { status: 200, body: { signedTransactionInfo: parts.shop.sign(found.is) } } : found;
};

const consumption: Endpoint = (parts, question) => {
  const found = known(parts, question, (life) => life.transaction(question.id));
  if (!('is' in found)) return found;
  const told = readConsumption(question.body, found.is.type ?? '');
  if ('status' in told) return told;
  parts.told.push({ ...told, transaction: question.id, at: parts.now() });
  return { status: 202 };
};

const notifications: Endpoint = ({ notices, now }, { tenant, environment, body, query }) =>
  notificationHistory(notices, { tenant, environment, now: now(), body, token: query.get('paginationToken') });

const test: Endpoint = ({ shop }, { tenant, environment }) => {
  const [told] = shop.ask(tenant, environment, (life) => life.test());
  return { status: 200, body: { testNotificationToken: `${told?.notificationUUID}_${told?.signedDate}` } };
};

const testStatus: Endpoint = ({ notices }, { id }) => {
  const [uuid, signed] = id.split('_');
  if (!uuid || !signed) return appleError('InvalidTestNotificationToken');
  const notice = notices.find(uuid);
  if (!notice || notice.attempts.length === 0) return appleError('TestNotificationNotFound');
  const sendAttempts = notice.attempts.map(({ at, result }) => ({ attemptDate: at, sendAttemptResult: result }));
  return { status: 200, body: { signedPayload: notice.signedPayload, sendAttempts } };
};

const endpoints: [method: string, path: RegExp, endpoint: Endpoint][] = [
  ['GET', /^\/inApps\/v1\/subscriptions\/([^/]+)$/, statuses],
  ['GET', /^\/inApps\/v2\/history\/([^/]+)$/, history],
  ['GET', /^\/inApps\/v1\/transactions\/([^/]+)$/, transaction],
  ['PUT', /^\/inApps\/v2\/transactions\/consumption\/([^/]+)$/, consumption],
  ['POST', /^\/inApps\/v1\/notifications\/history()$/, notifications],
  ['POST', /^\/inApps\/v1\/notifications\/test()$/, test],
  ['GET', /^\/inApps\/v1\/notifications\/test\/([^/]+)$/, testStatus],
];

/** @returns undefined for a path that is none of them */
export const answerQuestion = (
  parts: Parts,
  method: string,
  path: string,
  question: Omit<Question, 'id'>,
): Answer | undefined => {
  for (const [verb, pattern, endpoint] of endpoints) {
    const id = verb === method ? pattern.exec(path)?.[1] : undefined;
    if (id !== undefined) return endpoint(parts, { ...question, id: decodeURIComponent(id) });
  }
  return undefined;
};

/** For who looks at it in a browser or a test. */
export const noticeShown = (notice: ReturnType<Notices['list']>[number]) => {
  const { signedPayload: _, ...shown } = notice;
  return { ...shown, delivered: isDelivered(notice) };
};
