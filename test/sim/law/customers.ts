/** What people do as customers, and what stores say of it: each as the real handlers do it, after the audit. */
import fc from 'fast-check';
import { isRejection } from '../../../core/decider.ts';
import { execute } from '../../../core/execute.ts';
import { TenantId, UserId } from '../../../core/ids.ts';
import type { Stream } from '../../../core/keys.ts';
import { load } from '../../../core/load.ts';
import { makeAccountToken, setConsent } from '../../../functions/customer.ts';
import { type OwnershipCommand, ownership } from '../../../functions/purchases/ownership.ts';
import type { Purchase } from '../../../functions/purchases/purchase.ts';
import { react } from '../../../functions/reactions.ts';
import type { Little } from './little.ts';

const tenant = TenantId.parse('demo');
const people = ['ada', 'ben', 'cleo'].map((name) => UserId.parse(name));
const who = fc.constantFrom(...people);

/** `of` names the purchase: 0 is a subscription, 1 can be spent. */
export const CustomerActs = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('sign' as const),
      of: fc.nat(1),
      renewals: fc.nat(2),
      refunded: fc.nat(2),
      account: fc.constantFrom(undefined, undefined, undefined, ...people),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('claim' as const), of: fc.nat(1), by: who, transfer: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('name' as const), by: who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('agree' as const), by: who, given: fc.boolean() }) },
);
export type CustomerAct = typeof CustomerActs extends fc.Arbitrary<infer T> ? T : never;
type Sign = Extract<CustomerAct, { do: 'sign' }>;

const DAY = 86_400_000;
const purchaseOf = ({ of, renewals, refunded }: Sign): Purchase => ({
  ...{ store: 'appstore', environment: 'sandbox', ownership: 'own', purchased: DAY, retrying: false },
  ...(of === 0
    ? {
        product: 'gold.monthly',
        kind: 'subscription',
        renews: true,
        quantity: 1,
        refunded: 0,
        until: DAY * (2 + renewals),
      }
    : { product: 'coins', kind: 'consumable', renews: false, quantity: 3, refunded }),
  ...{ transaction: `${of}-${renewals}`, signed: DAY * (1 + renewals) },
});

const say = async (played: Little, of: number, command: OwnershipCommand, id: string): Promise<void> => {
  const deps = played.deps();
  const stream: Stream = { tenant, kind: 'purchase', id: `appstore-sandbox-${of}` };
  const done = await execute(deps, ownership, { stream, command, id, dedupe: 'state' });
  if (!isRejection(done) && done.commit && !played.dies()) await react(deps, stream, done.commit);
};

export const performCustomer = async (played: Little & { next: () => number }, act: CustomerAct): Promise<void> => {
  const deps = played.deps();
  const at = deps.now().toISOString();
  const id = `customer-${played.next()}`;
  if (act.do === 'name') return void (await makeAccountToken(deps, { tenant, user: act.by }));
  if (act.do === 'agree') return setConsent(deps, { tenant, user: act.by }, act.given);
  const { state } = await load(deps, ownership, { tenant, kind: 'purchase', id: `appstore-sandbox-${act.of}` });
  if (act.do === 'sign') {
    const { account } = act;
    const command = {
      type: 'Assess' as const,
      n: state.n + 1,
      purchase: purchaseOf(act),
      ...(account && { account }),
      at,
    };
    return say(played, act.of, command, id);
  }
  if (state.purchase) await say(played, act.of, { type: 'Claim', by: act.by, transfer: act.transfer, at }, id);
};
