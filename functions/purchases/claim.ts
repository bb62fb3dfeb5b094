/** A person shows what they bought: it is verified and kept like what the store sends, and is theirs if it is nobody else's. */
import type { z } from 'zod';
import { isRejection, type Rejection } from '../../core/decider.ts';
import { ringing } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { type Done, execute } from '../../core/execute.ts';
import type { Actor } from '../../core/ids.ts';
import { load } from '../../core/load.ts';
import { Problem, problems } from '../../core/problem.ts';
import { react } from '../reactions.ts';
import { takeTransaction } from './appstore-keep.ts';
import { lengthOf } from './audit.ts';
import { entitle, purchaseStream, readFacts } from './entitle.ts';
import { type OwnershipRejection, type OwnershipState, ownership } from './ownership.ts';
import { type Shown, shownOf } from './shown.ts';

export type Owned = 'new' | 'already' | 'transferred';
export type Claimed = { purchase: z.infer<typeof Shown>; owned: Owned };

const refused = (code: string, detail: string) =>
  new Problem({ status: 422, code, detail, errors: [{ field: 'body.signedTransaction', rule: detail }] });
const untrusted = () => refused('untrusted', 'This is not a transaction of this app that its store signed.');
const unclaimable = () => refused('unclaimable', 'This transaction is of a kind that nobody can have here.');

const ownedOf = ({ commit }: Done<OwnershipState>, before: OwnershipState, by: Actor['user']): Owned => {
  if (commit?.events.some(({ type }) => type === 'Transferred')) return 'transferred';
  return commit || before.owner !== by ? 'new' : 'already';
};

/** Claims a chain for a person, once it is assessed by all that is known. */
const claimChain = async (
  deps: Deps,
  actor: Actor,
  chain: string,
): Promise<Claimed | Rejection<OwnershipRejection>> => {
  const tenant = tenantOf(actor.tenant);
  const stream = purchaseStream(actor.tenant, chain);
  const before = await load(deps, ownership, stream);
  // All that is signed of it counts, also what its stream has not heard of yet.
  const isAssessed = before.state.purchase && before.state.n === (await lengthOf(deps, actor.tenant, chain));
  if (!isAssessed && !(await entitle(deps, actor.tenant, chain)).isPurchase) throw unclaimable();
  const transfer = tenant.purchases?.restore === 'transfer';
  const command = { type: 'Claim', by: actor.user, transfer, at: deps.now().toISOString() } as const;
  const done = await execute(deps, ownership, {
    stream,
    command,
    id: deps.random.id(),
    by: actor.user,
    dedupe: 'state',
  });
  if (isRejection(done)) return done;
  const { commit, state } = done;
  if (commit) await ringing(deps, stream, commit, () => react(deps, stream, commit));
  if (!state.purchase) throw unclaimable();
  return {
    purchase: shownOf(tenant, chain, state.purchase, deps.now()),
    owned: ownedOf(done, before.state, actor.user),
  };
};

/**
 * By what a device holds; nothing of it is believed but the store's signature.
 * @throws Problem `untrusted`, `unclaimable`; `not-found` where nothing is sold
 */
export const claim = async (
  deps: Deps,
  actor: Actor,
  signedTransaction: string,
): Promise<Claimed | Rejection<OwnershipRejection>> => {
  const known = (chain: string) => readFacts(deps, actor.tenant, chain);
  const taken = await takeTransaction(deps, tenantOf(actor.tenant), signedTransaction, known);
  if (!taken) throw problems.notFound();
  if (!('refused' in taken)) return claimChain(deps, actor, taken.chain);
  deps.log({ level: 'warn', msg: 'transaction refused', ...actor, rule: taken.refused });
  throw untrusted();
};
