/** How the periods of a subscription follow each other: charged, failed, recovered, ended, and what time alone does. */
import { type Told, tell } from './appstore-life-payloads.ts';
import {
  type Charge,
  currentOf,
  DAY,
  endOf,
  ensure,
  household,
  isSubscription,
  type Line,
  type Offer,
  type Product,
  TICK,
  type World,
  willRenew,
} from './appstore-life-state.ts';

type Life = World<Told>;
/** How many things may happen by themselves before somebody looks. */
const TICKS = 10_000;

export const idOf = (world: Life): string => world.options.id?.() ?? `${2_000_000_000_000 + ++world.ids}`;

const promiseOf = (world: Life, product: Product, before: Charge | undefined): Charge['promise'] => {
  if (!product.promise || !product.period) return undefined;
  const running = before?.product === product && before.promise;
  if (running && running.period < running.of) return { ...running, period: running.period + 1 };
  return { period: 1, of: product.promise, until: (before?.expires ?? world.clock) + product.promise * product.period };
};

type Charging = { product: Product; from: number; reason: Charge['reason']; offer?: Offer | undefined };

/** A new period is paid for: whatever was wrong is over. */
export const charge = (world: Life, line: Line, { product, from, reason, offer }: Charging): void => {
  const promise = promiseOf(world, product, reason === 'RENEWAL' ? currentOf(line) : undefined);
  line.charges.push({
    id: line.charges.length === 0 ? line.original : idOf(world),
    product,
    purchased: from,
    ...(product.period !== undefined && { expires: from + product.period }),
    quantity: 1,
    reason,
    ...(offer && { offer }),
    ...(promise && { promise }),
    upgraded: false,
    void: false,
  });
  for (const over of ['retrySince', 'graceUntil', 'intent', 'increase', 'offer'] as const) delete line[over];
  Object.assign(line, { product, next: product, phase: 'paid' });
};

/** While a charge is tried again the days go by unpaid; in a grace period they do not. */
export const renew = (world: Life, line: Line): void => {
  const failed = line.phase === 'retry' || line.phase === 'grace';
  const from = line.phase === 'retry' ? world.clock : endOf(line);
  charge(world, line, { product: line.next, from, reason: 'RENEWAL', offer: line.offer });
  tell(world, 'DID_RENEW', failed ? 'BILLING_RECOVERY' : undefined, { line });
};

/** The period that still runs ends now: no customer can do this, but one who tries things out can. */
const cut = (world: Life, line: Line): void => {
  const current = currentOf(line);
  ensure(current.purchased <= world.clock, 'the next period is paid, and has not begun');
  if (current.expires !== undefined && current.expires > world.clock) current.expires = world.clock;
};

/** A charge on the last day is for the time after it; one before ends the period, as if its time had passed. */
export const renewNow = (world: Life, line: Line): void => {
  const early = Math.min(DAY, (line.product.period ?? 0) / 4);
  if (line.phase === 'paid' && endOf(line) - world.clock > early) cut(world, line);
  renew(world, line);
};

export const fail = (world: Life, line: Line): void => {
  ensure(line.phase === 'paid' && willRenew(line), 'nothing is to be charged');
  cut(world, line);
  line.retrySince = world.clock;
  const { grace } = line.product;
  line.phase = grace ? 'grace' : 'retry';
  if (grace) line.graceUntil = endOf(line) + grace;
  tell(world, 'DID_FAIL_TO_RENEW', grace ? 'GRACE_PERIOD' : undefined, { line });
};

const ENDINGS = {
  VOLUNTARY: 1,
  BILLING_RETRY: 2,
  PRICE_INCREASE: 3,
  PRODUCT_NOT_FOR_SALE: 4,
  OTHER: 5,
} as const;
export type Ending = keyof typeof ENDINGS;

export const end = (world: Life, line: Line, why: Ending): void => {
  ensure(line.phase !== 'ended' && line.phase !== 'revoked', 'it has ended');
  cut(world, line);
  delete line.retrySince;
  Object.assign(line, { phase: 'ended', renews: false, intent: ENDINGS[why], next: line.product });
  tell(world, 'EXPIRED', why === 'OTHER' ? undefined : why, { line });
};

const overGrace = (world: Life, line: Line): void => {
  line.phase = 'retry';
  tell(world, 'GRACE_PERIOD_EXPIRED', undefined, { line });
};

/** Why no other period follows, if none does. */
const endingOf = (world: Life, line: Line): Ending | undefined => {
  if (!willRenew(line)) return 'VOLUNTARY';
  if (line.phase === 'retry') return 'BILLING_RETRY';
  if (line.phase === 'grace') return undefined;
  if (line.increase === 'pending') return 'PRICE_INCREASE';
  return world.withdrawn.has(line.next.id) ? 'PRODUCT_NOT_FOR_SALE' : undefined;
};

/** When something happens to it by itself. What a family shares follows the line that is paid for. */
const dueOf = ({ options }: Life, line: Line): number => {
  if (line.payer || !isSubscription(line.product)) return Number.POSITIVE_INFINITY;
  if (line.phase === 'paid') return endOf(line);
  if (line.phase === 'grace') return line.graceUntil ?? endOf(line);
  if (line.phase === 'retry') return (line.retrySince ?? 0) + (options.retry ?? 60 * DAY);
  return Number.POSITIVE_INFINITY;
};

const happen = (world: Life, payer: Line): void => {
  for (const line of household(world, payer)) {
    const ending = endingOf(world, line);
    if (ending) end(world, line, ending);
    else if (line.phase === 'grace') overGrace(world, line);
    else if (world.broken.has(payer.customer)) fail(world, line);
    else renew(world, line);
  }
};

const nextDue = (world: Life): { line: Line; at: number } | undefined =>
  [...world.lines.values()].map((line) => ({ line, at: dueOf(world, line) })).sort((a, b) => a.at - b.at)[0];

/** Everything that time alone has brought about until now, each at its time. What is due within a second is not waited for. */
export const pass = (world: Life): void => {
  const now = () => Math.max(world.options.now(), world.lastSigned + TICK);
  for (let i = 0; i < TICKS; i++) {
    const due = nextDue(world);
    if (!due || due.at > now() + 1000) break;
    world.clock = Math.max(world.clock, due.at);
    happen(world, due.line);
  }
  world.clock = Math.max(now(), world.clock);
};
