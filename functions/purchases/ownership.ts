/**
 * Whose a purchase is. One stream for each purchase of a store: what its payloads say by now, and the one person who has it.
 * Who bought it said so with the account token of their app; else it is theirs who claims it first. What one person bought is
 * not another's to know, so the stream has no audience: reactions tell each their own.
 */
import { z } from 'zod';
import { assert } from '../../core/assert.ts';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { Timestamp, UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { Purchase } from './purchase.ts';

/** How many entries of the audit an assessment has seen. */
const n = z.int().min(1);
/** What its owner has more by it, or less. */
const units = z.int();
const at = Timestamp;

export const OwnershipCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Assess'), n, purchase: Purchase, account: UserId.optional(), at }),
  z.object({ type: z.literal('Claim'), by: UserId, transfer: z.boolean(), at }),
]);

export const OwnershipEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Assessed'), n, purchase: Purchase, owner: UserId.optional(), units, at }),
  /** More was signed, and nothing is otherwise. */
  z.object({ type: z.literal('Confirmed'), n, at }),
  z.object({ type: z.literal('Claimed'), by: UserId, purchase: Purchase, units, at }),
  z.object({ type: z.literal('Transferred'), from: UserId, to: UserId, purchase: Purchase, units, at }),
]);

const OwnershipState = z.object({ n: z.int().min(0), purchase: Purchase.optional(), owner: UserId.optional() });

export type OwnershipCommand = z.infer<typeof OwnershipCommand>;
export type OwnershipEvent = z.infer<typeof OwnershipEvent>;
export type OwnershipState = z.infer<typeof OwnershipState>;
export type OwnershipRejection = 'claimed-by-another';
type Decision = OwnershipEvent[] | Rejection<OwnershipRejection>;

type Assess = Extract<OwnershipCommand, { type: 'Assess' }>;
type Claim = Extract<OwnershipCommand, { type: 'Claim' }>;

/** What can be spent of it. */
export const unitsOf = (purchase: Purchase | undefined): number =>
  purchase?.kind === 'consumable' ? Math.max(0, purchase.quantity - purchase.refunded) : 0;

/** Stores sign the same again with a later date. */
const isSame = (one: Purchase, other: Purchase): boolean =>
  canonicalJson({ ...one, signed: 0 }) === canonicalJson({ ...other, signed: 0 });

const evolve = (before: OwnershipState, event: OwnershipEvent): OwnershipState => {
  switch (event.type) {
    case 'Assessed':
      return { n: event.n, purchase: event.purchase, ...(event.owner && { owner: event.owner }) };
    case 'Confirmed':
      return { ...before, n: event.n };
    case 'Claimed':
      return { ...before, owner: event.by };
    case 'Transferred':
      return { ...before, owner: event.to };
  }
};

/** Whoever saw less has nothing to say. An owner stays: only a claim moves a purchase. */
const assess = ({ n, purchase, account, at }: Assess, before: OwnershipState): Decision => {
  if (n < before.n) return [];
  const owner = before.owner ?? (purchase.ownership === 'own' ? account : undefined);
  if (before.purchase && isSame(before.purchase, purchase) && owner === before.owner)
    return n > before.n ? [{ type: 'Confirmed', n, at }] : [];
  const had = before.owner ? unitsOf(before.purchase) : 0;
  const units = owner ? unitsOf(purchase) - had : 0;
  return [{ type: 'Assessed', n, purchase, ...(owner && { owner }), units, at }];
};

/** What can be spent may be spent by now, so that it never moves. */
const claim = ({ by, transfer, at }: Claim, { purchase, owner }: OwnershipState): Decision => {
  assert(purchase, 'a purchase is claimed that was not assessed');
  if (owner === by) return [];
  const units = unitsOf(purchase);
  if (!owner) return [{ type: 'Claimed', by, purchase, units, at }];
  if (!transfer || purchase.kind === 'consumable') return reject('claimed-by-another');
  return [{ type: 'Transferred', from: owner, to: by, purchase, units, at }];
};

const decide = (command: OwnershipCommand, before: OwnershipState): Decision => {
  switch (command.type) {
    case 'Assess':
      return assess(command, before);
    case 'Claim':
      return claim(command, before);
  }
};

export const ownership: Aggregate<OwnershipState, OwnershipCommand, OwnershipEvent, OwnershipRejection> = {
  kind: 'purchase',
  reducer: 1,
  State: OwnershipState,
  Event: OwnershipEvent,
  initial: { n: 0 },
  evolve,
  decide,
  audience: () => [],
  count: () => 0,
};
