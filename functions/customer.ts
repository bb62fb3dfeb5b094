/** A person as a customer: a root file, since the context of persons and that of purchases do not know each other. */
import { assert } from '../core/assert.ts';
import { isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { tenantOf } from '../core/env.ts';
import { readNewest } from '../core/events.ts';
import { type Done, execute } from '../core/execute.ts';
import { type Actor, type TenantId, type UserId, uuidFrom } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { load, stateAt } from '../core/load.ts';
import { ensureRow } from '../core/views.ts';
import { readTokenOwner, tokenRow } from './accounts/account-tokens.ts';
import { type PersonCommand, type PersonState, person } from './accounts/person.ts';
import { type Entitlements, entitlementsFrom } from './purchases/entitlements.ts';
import { ownership } from './purchases/ownership.ts';
import type { Purchase } from './purchases/purchase.ts';

/** Older states are of streams in which nobody had bought anything. */
const FIRST_REDUCER = 3;

const streamOf = ({ tenant, user }: Actor): Stream => ({ tenant, kind: 'person', id: user });

/** By one consistent read of the newest commit. */
const stateOf = async (deps: Deps, actor: Actor): Promise<PersonState> => {
  const stream = streamOf(actor);
  const [head] = await readNewest(deps, stream, 1);
  return !head || head.reducer < FIRST_REDUCER ? person.initial : stateAt(deps, person, stream, head);
};

/** What a person says of themselves is told to all of their devices. */
const say = async (deps: Deps, actor: Actor, command: PersonCommand): Promise<Done<PersonState>> => {
  const stream = streamOf(actor);
  const done = await execute(deps, person, { stream, command, id: deps.random.id(), by: actor.user, dedupe: 'state' });
  assert(!isRejection(done), 'a person refused what they said themselves');
  if (done.fresh && done.commit) await ring(deps, stream, done.commit);
  return done;
};

/** Made once. From the answer on whoever buys with it is found by it, so that its row is there before. */
export const makeAccountToken = async (deps: Deps, actor: Actor): Promise<string> => {
  const at = deps.now().toISOString();
  const known = (await stateOf(deps, actor)).accountToken;
  const making = { type: 'MakeAccountToken', person: actor.user, token: uuidFrom(deps.random.id()), at } as const;
  const token = known ?? (await say(deps, actor, making)).state.accountToken;
  assert(token, 'an account token was made and is not there');
  await ensureRow(deps, tokenRow(actor.tenant, token, actor.user));
  return token;
};

/** Who is meant by an account token; undefined when it is none of ours. */
export const personOfToken = (deps: Deps, tenant: TenantId, token: string): Promise<UserId | undefined> =>
  readTokenOwner(deps, tenant, token);

export const setConsent = async (deps: Deps, actor: Actor, given: boolean): Promise<void> => {
  await say(deps, actor, { type: 'SetConsent', person: actor.user, given, at: deps.now().toISOString() });
};

/** May a store be told how a purchase was used? Who never said does not agree; undefined when nobody has it. */
export const consentOf = async (deps: Deps, tenant: TenantId, chain: string): Promise<boolean | undefined> => {
  const { state } = await load(deps, ownership, { tenant, kind: 'purchase', id: chain });
  return state.owner && ((await stateOf(deps, { tenant, user: state.owner })).consent ?? false);
};

type Held = { id: string; purchase: Purchase };

const heldIn = ({ purchases = {} }: PersonState): Held[] =>
  Object.entries(purchases).flatMap(([id, { purchase }]) => (purchase ? [{ id, purchase }] : []));

/** The purchases that a person has, by id; what can be spent is not among them. */
export const purchasesOf = async (deps: Deps, actor: Actor): Promise<string[]> =>
  heldIn(await stateOf(deps, actor)).map(({ id }) => id);

export const entitlementsOf = async (deps: Deps, actor: Actor, now: Date): Promise<Entitlements> => {
  const state = await stateOf(deps, actor);
  return entitlementsFrom(tenantOf(actor.tenant), { holdings: heldIn(state), units: state.units ?? {} }, now);
};
