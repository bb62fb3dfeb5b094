/**
 * What must hold of purchases when everything is quiet: what the store was told is kept is there once and as it was said, nothing else
 * is, every chain of hashes is whole, and what people are shown is what the store itself says.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../core/json.ts';
import type { Check, Quiet } from '../checks.ts';
import type { Cloud } from '../cloud.ts';
import { outcomeOf } from '../history.ts';
import { type RawItem, segments } from '../raw.ts';
import type { Standing } from './store.ts';

const Bought = z.object({
  id: z.string(),
  product: z.string(),
  status: z.string(),
  quantity: z.int(),
  refunded: z.int(),
});
const Page = z.object({ purchases: z.array(Bought), more: z.boolean() });
const Entitled = z.object({ units: z.record(z.string(), z.int()) });
/** What a person is shown in the end. */
export type Shown = {
  tenant: string;
  user: string;
  purchases: z.infer<typeof Bought>[];
  units: Record<string, number>;
};

/** Each person once looks at what is theirs. */
export const askShown = (cloud: Cloud, people: { tenant: string; user: string }[]): Promise<Shown[]> =>
  Promise.all(
    [...new Map(people.map((each) => [`${each.tenant} ${each.user}`, each])).values()].map(async ({ tenant, user }) => {
      const ask = async (route: string, query = {}): Promise<unknown> => {
        const answer = await cloud.functions.http(
          `${tenant}/${user} looks at ${route}`,
          { tenant, user },
          { route, query },
        );
        if (answer.status !== 200) cloud.violation(`shown: ${user} was answered ${answer.status} by ${route}`);
        return answer.body;
      };
      const { purchases } = Page.parse(await ask('GET /v1/purchases', { limit: '100' }));
      const { units } = Entitled.parse(await ask('GET /v1/entitlements'));
      return { tenant, user, purchases, units };
    }),
  );

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const chainsOf = (items: RawItem[]): Map<string, RawItem[]> =>
  Map.groupBy(
    items.filter(({ sk }) => String(sk).startsWith('n#')).sort((a, b) => Number(a.n) - Number(b.n)),
    ({ pk }) => String(pk),
  );

/** What was answered 200 is there once, to the byte; nothing is there that nobody signed; each holds the hash of the one before. */
const audit: Check = ({ cloud, raw }, tell) => {
  const items = raw.items('transactions').filter(({ pk }) => cloud.tenants.has(segments(String(pk))[0] ?? ''));
  const entries = [...chainsOf(items).values()].flat();
  const byId = Map.groupBy(entries, ({ pk, id }) => `${segments(String(pk))[0]} ${String(id)}`);
  for (const { tenant, id, about, raw: said, heard } of cloud.store.notices) {
    const found = byId.get(`${tenant} ${id}`) ?? [];
    if (!heard) tell(`webhook: ${about} was never answered`);
    if (found.length !== 1) tell(`audit: ${about} is there ${found.length} times`);
    if (found[0] && found[0].raw !== said) tell(`audit: ${about} is not kept as it was said`);
  }
  const said = new Set([...cloud.store.notices.map((each) => each.raw), ...cloud.store.given]);
  for (const [pk, chain] of chainsOf(items)) {
    let prev = sha256(pk);
    for (const [i, { pk: _pk, sk: _sk, hash, ...entry }] of chain.entries()) {
      if (entry.n !== i + 1) tell(`audit: ${pk} has ${entry.n} at place ${i + 1}`);
      if (!said.has(String(entry.raw))) tell(`audit: ${pk} holds at ${entry.n} what the store never said`);
      if (entry.prev !== prev) tell(`audit: the chain of ${pk} is broken at ${entry.n}`);
      if (hash !== sha256(canonicalJson(entry))) tell(`audit: the hash of ${pk} is wrong at ${entry.n}`);
      prev = String(hash);
    }
  }
};

const STATUSES = { 1: 'active', 2: 'expired', 3: 'retry', 4: 'grace', 5: 'revoked' } as const;
/** What the store's own phase is called here; what can be spent is told by its units. */
const statusOf = ({ status, kind, phase }: Standing): string | undefined => {
  if (kind === 'Consumable') return undefined;
  return status ? STATUSES[status] : phase === 'revoked' ? 'revoked' : 'active';
};

type Of = { quiet: Quiet; tenant: string; one: Standing; tell: (what: string) => void };
const idOf = ({ original }: Standing): string => `appstore-production-${original}`;
const peopleOf = ({ cloud }: Quiet, tenant: string): Shown[] => cloud.shown.filter((each) => each.tenant === tenant);

/** It is one person's: who named themselves when they bought it, or who first showed it; where that is allowed, who showed it last. */
const owned = ({ quiet, tenant, one, tell }: Of): void => {
  const { cloud, history } = quiet;
  const id = idOf(one);
  const owners = peopleOf(quiet, tenant).filter(({ purchases }) => purchases.some((bought) => bought.id === id));
  const claims = history.claimed.filter((each) => each.tenant === tenant && each.original === one.original);
  const owner = owners[0]?.user;
  const moves = cloud.store.moves(tenant, one);
  if (owners.length > 1) tell(`purchase: ${id} belongs to ${owners.map(({ user }) => user).join()}`);
  for (const { user, mine } of claims) {
    if (mine === true && (moves ? !owner : user !== owner))
      tell(`claim: ${user} was told that ${id} is theirs, and it is ${owner}'s`);
    if (mine === false && (moves || user === owner || !owner))
      tell(`claim: ${user} was refused ${id}, and it is ${owner}'s`);
  }
  const isNamed = cloud.store.isNamed(tenant, one);
  const asked = claims.filter(({ attempts }) => outcomeOf(attempts) !== 'nothing').map(({ user }) => user);
  if (isNamed && !cloud.restoring.past && !claims.some(({ user }) => user !== one.customer) && owner !== one.customer)
    tell(`purchase: ${id} is ${one.customer}'s, and ${owner} has it`);
  if (owner && !asked.includes(owner) && !(isNamed && owner === one.customer))
    tell(`purchase: ${owner} has ${id} and never said so`);
};

/** Whoever has it is shown what the store itself would say of it. */
const shownRight = ({ quiet, tenant, one, tell }: Of): void => {
  const [id, status] = [idOf(one), statusOf(one)];
  const back = quiet.cloud.store.unitsBack(tenant, one);
  for (const shown of peopleOf(quiet, tenant).flatMap(({ purchases }) =>
    purchases.filter((bought) => bought.id === id),
  )) {
    if (status && shown.status !== status) tell(`purchase: ${id} is shown as ${shown.status}, and it is ${status}`);
    if (shown.product !== one.product) tell(`purchase: ${id} is shown as ${shown.product}, and it is ${one.product}`);
    if (!status && (shown.quantity !== one.units || shown.refunded !== back))
      tell(`purchase: ${id} is shown as ${shown.quantity} less ${shown.refunded}, and it is ${one.units} less ${back}`);
  }
};

const purchases: Check = (quiet, tell) => {
  for (const tenant of quiet.cloud.tenants) {
    const all = quiet.cloud.store.purchases(tenant);
    for (const one of all) {
      owned({ quiet, tenant, one, tell });
      shownRight({ quiet, tenant, one, tell });
    }
    const kinds = new Map(all.map((one) => [idOf(one), one.kind]));
    for (const { user, purchases: theirs, units } of peopleOf(quiet, tenant)) {
      for (const { id } of theirs) if (!kinds.has(id)) tell(`purchase: ${user} has ${id}, which nobody bought`);
      const spendable = theirs.filter(({ id }) => kinds.get(id) === 'Consumable');
      const due = spendable.reduce((total, { quantity, refunded }) => total + quantity - refunded, 0);
      const has = Object.values(units).reduce((total, count) => total + count, 0);
      if (due !== has) tell(`units: ${user} has ${has}, and bought ${due}`);
    }
  }
};

export const storeChecks: Record<string, Check> = { audit, purchases };
