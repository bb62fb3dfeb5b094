/** Get Notification History: what was made in a span of time, page by page, with what became of each delivery. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isDelivered, type Notice, type Notices, type StoreEnvironment } from './appstore-book.ts';
import { type Answer, appleError } from './appstore-errors.ts';

const PAGE = 20;
const DAY_MS = 24 * 3_600_000;
/** How long Apple keeps it. */
const KEPT_DAYS = { Production: 180, Sandbox: 30 } as const;

const Request = z.object({
  startDate: z.int().optional(),
  endDate: z.int().optional(),
  notificationType: z.string().optional(),
  notificationSubtype: z.string().optional(),
  transactionId: z.string().optional(),
  onlyFailures: z.boolean().optional(),
});
type Request = z.infer<typeof Request>;

/** A token belongs to its request, and says after which notification the next page begins. */
const tokenOf = (request: Request, after: string): string =>
  `${createHash('sha256').update(JSON.stringify(request)).digest('base64url').slice(0, 16)}.${after}`;

const fits = (request: Request, notice: Notice): boolean => {
  const { startDate = 0, endDate = 0, notificationType, notificationSubtype, transactionId, onlyFailures } = request;
  return (
    notice.signed >= startDate &&
    notice.signed <= endDate &&
    (notificationType ?? notice.type) === notice.type &&
    (notificationSubtype ?? notice.subtype) === notice.subtype &&
    (transactionId === undefined || notice.transactions.includes(transactionId)) &&
    !(onlyFailures && isDelivered(notice))
  );
};

const refusalOf = (request: Request, environment: StoreEnvironment, now: number): Answer | undefined => {
  const { startDate, endDate, notificationType, transactionId } = request;
  if (startDate === undefined) return appleError('InvalidStartDate');
  if (endDate === undefined) return appleError('InvalidEndDate');
  if (startDate < now - KEPT_DAYS[environment] * DAY_MS) return appleError('StartDateTooFarInPast');
  if (startDate >= endDate) return appleError('StartDateAfterEndDate');
  if (notificationType !== undefined && transactionId !== undefined) return appleError('MultipleFiltersSupplied');
  return undefined;
};

const itemOf = ({ signedPayload, attempts }: Notice) => ({
  signedPayload,
  sendAttempts: attempts.map(({ at, result }) => ({ attemptDate: at, sendAttemptResult: result })),
});

export type HistoryQuestion = {
  tenant: string;
  environment: StoreEnvironment;
  now: number;
  body: unknown;
  token: string | null;
};

export const notificationHistory = (
  notices: Pick<Notices, 'list'>,
  { tenant, environment, now, body, token }: HistoryQuestion,
): Answer => {
  const parsed = Request.safeParse(body);
  if (!parsed.success) return appleError('GeneralBadRequest');
  const request = parsed.data;
  const refusal = refusalOf(request, environment, now);
  if (refusal) return refusal;
  const all = notices.list(tenant, environment).filter((notice) => fits(request, notice));
  const after = token === null ? -1 : all.findIndex(({ uuid }) => tokenOf(request, uuid) === token);
  if (token !== null && after < 0)
    return appleError(/^[\w-]{16}\./.test(token) ? 'PaginationTokenExpired' : 'InvalidPaginationToken');
  const page = all.slice(after + 1, after + 1 + PAGE);
  const last = page.at(-1);
  return {
    status: 200,
    body: {
      notificationHistory: page.map(itemOf),
      hasMore: after + 1 + PAGE < all.length,
      ...(last && { paginationToken: tokenOf(request, last.uuid) }),
    },
  };
};
