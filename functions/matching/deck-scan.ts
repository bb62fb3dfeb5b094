/** The look at everybody near: cell by cell, as far as the units go, and on from there the next time. */

import type { Item } from '../../core/ddb.ts';
import { cameTo, standsIn } from '../../core/deck-keys.ts';
import type { Deps } from '../../core/deps.ts';
import { type Actor, UserId } from '../../core/ids.ts';
import { cardOf, readProfile } from '../profiles.ts';
import { type Cell, cellsBetween, noticesWithin } from './cells.ts';
import { Card, fits, type Rules, scoreOf } from './criteria.ts';
import { bytesOf, type DeckState, FOUND, type Found, shortlyBefore } from './deck-state.ts';

/** One look: who looks, by which rules, and how many read units are left for it. */
export type Look = {
  deps: Deps;
  actor: Actor;
  mine: Card;
  rules: Rules;
  /** How far each step goes, in km: never farther than one wants. */
  reaches: readonly number[];
  state: DeckState;
  purse: { left: number };
};

const PAGE = 4096;
/** A query pays for all that it reads, half a unit for each 4 KB; a get here pays half a unit. */
const unitsOf = (items: readonly Item[]): number => Math.max(0.5, Math.ceil(bytesOf(items) / PAGE) / 2);
export const GET = 0.5;
/** Of usual size; the largest are three times as large. */
const ROWS_PER_UNIT = 16;
const ROWS = 100;
/** A page that turns out to be large, of large rows. */
const LEAST = 2;

const add = ({ state }: Look, entry: Found): void => {
  if (!state.found.some(({ user }) => user === entry.user)) state.found.push(entry);
};

/** On which of the steps so far, or undefined for who is farther, or fits not at all. */
export const stepOf = ({ mine, rules, reaches, state }: Look, card: Card): number | undefined => {
  const km = fits(mine, card, rules);
  const step = km === undefined ? -1 : reaches.findIndex((reach) => km <= reach);
  return step < 0 || step > state.step ? undefined : step;
};

const readCell = async ({ deps, actor }: Look, { region, digits }: Cell, after: string | undefined, limit: number) => {
  const { pk, prefix } = standsIn(actor.tenant, region, digits);
  return deps.ddb.query(
    {
      TableName: deps.env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
      ...(after !== undefined && { ExclusiveStartKey: { pk, sk: after } }),
    },
    limit,
  );
};

const userIn = ({ sk }: Item): UserId | undefined => UserId.safeParse(String(sk).split('#')[2]).data;

const take = (look: Look, item: Item): void => {
  const [user, card] = [userIn(item), Card.safeParse(item)];
  if (!user || user === look.actor.user || item.lost || !card.success) return;
  // Who is nearer was found on an earlier step.
  if (stepOf(look, card.data) !== look.state.step) return;
  add(look, { user, step: look.state.step, score: scoreOf(look.mine, card.data, look.rules) });
};

/** Reads on in the present step. @param spare what must be left. @returns whether the step is through */
export const scan = async (look: Look, spare: number): Promise<boolean> => {
  const { state, purse, reaches, mine } = look;
  const [reach = 0, beyond = 0] = [reaches[state.step], reaches[state.step - 1]];
  const cells = cellsBetween(mine.place, beyond, reach);
  for (let cell = cells[state.cell]; cell; cell = cells[state.cell]) {
    const room = FOUND - (state.found.length - state.shown);
    const most = Math.floor((purse.left - spare - LEAST) * ROWS_PER_UNIT);
    if (room <= 0 || most <= 0) return false;
    const limit = Math.min(ROWS, most, room);
    const items = await readCell(look, cell, state.after, limit);
    purse.left -= unitsOf(items);
    for (const item of items) take(look, item);
    const last = items.length === limit ? items.at(-1) : undefined;
    if (last) state.after = String(last.sk);
    else Object.assign(state, { cell: state.cell + 1, after: undefined });
  }
  return true;
};

const NEWCOMERS = 10;

const readCame = async ({ deps, actor, state, purse }: Look, cell: string): Promise<{ at: string; user: UserId }[]> => {
  const { pk, from, to } = cameTo(actor.tenant, cell, state.since);
  const items = await deps.ddb.query(
    {
      TableName: deps.env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':from': from, ':to': to },
      ScanIndexForward: false,
    },
    NEWCOMERS + 1,
  );
  purse.left -= unitsOf(items);
  return items.flatMap((item) => {
    const user = userIn(item);
    return user ? [{ at: String(item.sk).split('#')[1] ?? '', user }] : [];
  });
};

/** Who came, or became another, since the last look, within the steps that were looked at: they need not wait for the next one. */
export const greet = async (look: Look): Promise<void> => {
  const { deps, actor, mine, state, purse, reaches, rules } = look;
  const cells = noticesWithin(mine.place, reaches[state.step] ?? 0);
  const came = (await Promise.all(cells.map((cell) => readCame(look, cell)))).flat();
  came.sort((a, b) => (a.at > b.at ? -1 : 1));
  const known = new Set([actor.user, ...state.found.map(({ user }) => user)]);
  const next = came.slice(0, NEWCOMERS);
  const strangers = [...new Set(next.map(({ user }) => user))].filter((user) => !known.has(user));
  purse.left -= strangers.length * GET;
  await Promise.all(
    strangers.map(async (user) => {
      const row = await readProfile(deps, { tenant: actor.tenant, user });
      const card = row && cardOf(row, rules.profile);
      const step = card && stepOf(look, card);
      if (card && step !== undefined) add(look, { user, step, score: scoreOf(mine, card, rules) });
    }),
  );
  const seen = shortlyBefore(rules.now);
  if (seen > state.since) state.since = seen;
  // Who came before the look at all began is found by it.
  if ((came[NEWCOMERS]?.at ?? '') > state.began) state.missed = true;
};
