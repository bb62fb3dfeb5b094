/** What is bought once, and what is taken back: refunds, their reversals, and what a family no longer shares. */
import { type Told, tell } from './appstore-life-payloads.ts';
import { charge } from './appstore-life-periods.ts';
import {
  type Charge,
  chargeOf,
  currentOf,
  endOf,
  ensure,
  household,
  type Line,
  type Product,
  type World,
} from './appstore-life-state.ts';
import { type Buying, open } from './appstore-life-subscriptions.ts';

type Life = World<Told>;

/** A consumable, something for ever, or a time that the app counts itself. */
export const buyOnce = (world: Life, product: Product, buying: Buying): Line => {
  const owned = [...world.lines.values()].some(
    (line) => line.customer === buying.customer && line.product === product && line.phase !== 'revoked',
  );
  ensure(product.type !== 'Non-Consumable' || !owned, 'it is owned already');
  const line = open(world, product, buying);
  charge(world, line, { product, from: world.clock, reason: 'PURCHASE', offer: buying.offer });
  currentOf(line).quantity = buying.quantity ?? 1;
  tell(world, 'ONE_TIME_CHARGE', undefined, { line });
  return line;
};

const takeFrom = (world: Life, member: Line): Charge => {
  const charge = currentOf(member);
  charge.revoked = { at: world.clock, type: 'FAMILY_REVOKE', percent: 100 };
  charge.void = charge.purchased > world.clock;
  member.renews = false;
  member.next = member.product = currentOf(member).product;
  return charge;
};

/** First the period to come, if it is paid, then the one that runs. */
const leave = (world: Life, member: Line): void => {
  while (!currentOf(member).revoked) {
    const charge = takeFrom(world, member);
    if (currentOf(member).revoked) member.phase = 'revoked';
    tell(world, 'REVOKE', undefined, { line: member, charge });
  }
};

/** The period to come was refunded to who pays; the one that runs stays. */
const keepTheRest = (world: Life, member: Line): void => {
  const charge = takeFrom(world, member);
  tell(world, 'REVOKE', undefined, { line: member, charge });
};

/** The payer stopped sharing, or the member left the family. */
export const unshare = (world: Life, member: Line): void => {
  ensure(member.payer && member.phase !== 'revoked', 'it is not shared');
  leave(world, member);
};

/** Of the current period: access ends and nothing follows. Of one before: only the money goes back. */
export const refund = (world: Life, id: string, percent = 100): void => {
  const { line, charge } = chargeOf(world, id);
  ensure(!charge.revoked && !line.payer, 'it can not be refunded');
  const current = currentOf(line) === charge;
  charge.revoked = { at: world.clock, type: percent < 100 ? 'REFUND_PRORATED' : 'REFUND_FULL', percent };
  charge.void = charge.purchased > world.clock;
  const ends = current && currentOf(line).revoked !== undefined;
  const renewed = line.renews;
  if (current) line.renews = false;
  if (current) line.next = line.product = currentOf(line).product;
  if (ends) line.phase = 'revoked';
  tell(world, 'REFUND', undefined, { line, charge });
  if (current && renewed) tell(world, 'DID_CHANGE_RENEWAL_STATUS', 'AUTO_RENEW_DISABLED', { line });
  if (!current) return;
  for (const member of household(world, line)) if (member !== line) (ends ? leave : keepTheRest)(world, member);
};

/** The refund is taken back: the dates stay what they were. */
export const reverse = (world: Life, id: string): void => {
  const { line, charge } = chargeOf(world, id);
  ensure(charge.revoked && !line.payer, 'it was not refunded');
  ensure(!charge.void || line.charges.at(-1) === charge, 'another period took its place');
  delete charge.revoked;
  charge.void = false;
  if (currentOf(line) === charge) restored(world, line, charge);
  tell(world, 'REFUND_REVERSED', undefined, { line, charge });
};

const restored = (world: Life, line: Line, { product }: Charge): void => {
  for (const over of ['retrySince', 'graceUntil'] as const) delete line[over];
  line.product = line.next = product;
  line.phase = endOf(line) > world.clock ? 'paid' : 'ended';
  if (line.phase === 'ended') line.intent = 5;
};

export const decline = (world: Life, id: string): void =>
  tell(world, 'REFUND_DECLINED', undefined, chargeOf(world, id));

export const askConsumption = (world: Life, id: string, reason: string): void =>
  tell(world, 'CONSUMPTION_REQUEST', undefined, { ...chargeOf(world, id), reason });

/** Told of a purchase that apps with a catalogue of their own sell; it changes nothing that is paid. */
export const advanced = (world: Life, line: Line, type: 'METADATA_UPDATE' | 'MIGRATION' | 'PRICE_CHANGE'): void => {
  tell(world, type, undefined, { line });
};
