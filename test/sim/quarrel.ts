/** In some runs people do more than like: they take it back, part, block one another, and make up again. What must hold then. */
import { deeds as all, type Deed, type Facts, strangers, turn, type Who } from '../matching/model.ts';
import type { Check, Quiet } from './checks.ts';
import { type Felt, outcomeOf } from './history.ts';
import { createDice } from './random.ts';
import type { RawCommit } from './raw.ts';
import type { World } from './world.ts';

/** In these seeds. */
export const doQuarrel = (seed: number): boolean => createDice(seed, 'quarrels').chance(0.5);

/** Likes more often, or nobody would have anything to end. */
const deeds: readonly Deed[] = [...all, 'like', 'like', 'super-like', 'unmatch', 'block', 'unblock', 'unblock'];
const PAUSE_MS = 3000;

/** Each on all of their devices, beside what else they do. */
export const quarrel = async ({ cloud, people, seed }: World): Promise<void> => {
  const lives = people.map(async (device) => {
    const { tenant, user, name } = device;
    const dice = createDice(seed, 'quarrel', tenant, user, name);
    const others = [
      ...new Set(people.flatMap((each) => (each.tenant === tenant && each.user !== user ? [each.user] : []))),
    ];
    for (let left = dice.below(9); left > 0; left--) {
      await cloud.scheduler.wait(dice.below(PAUSE_MS), `${tenant}/${user}/${name} thinks`);
      await device.feel(dice.pick(others), dice.pick(deeds));
    }
  });
  await Promise.all(lives);
};

type Event = RawCommit['events'][number];
const ofType = (commits: readonly RawCommit[], type: string): (Event & { seq: number })[] =>
  commits.flatMap(({ events, seq }) => events.flatMap((event) => (event.type === type ? [{ ...event, seq }] : [])));

const deedOf = ({ events }: RawCommit): Deed | undefined => {
  const types = events.map(({ type }) => type);
  if (types.includes('Blocked')) return 'block';
  if (types.includes('Liked')) return events.some(({ kind }) => kind === 'super') ? 'super-like' : 'like';
  const one = {
    Passed: 'pass',
    Deferred: 'later',
    Undone: 'undo',
    Unmatched: 'unmatch',
    Unblocked: 'unblock',
  } as const;
  return one[types[0] as keyof typeof one];
};

/** Every commit of a pair is what a model of two people says of what its author did then. @returns how it is in the end */
const follow = (pk: string, commits: readonly RawCommit[], tell: (what: string) => void): Facts => {
  const [first] = (commits[0]?.id ?? '').split('+');
  let facts = strangers;
  for (const commit of commits) {
    const deed = deedOf(commit);
    const who: Who = String(commit.events[0]?.by) === first ? 'ada' : 'ben';
    if (!deed) tell(`pair: ${pk} v${commit.v} says what nobody does`);
    if (!deed) continue;
    const next = turn(facts, who, deed);
    const isGone = commit.events.some(({ gone }) => gone);
    if (!next.changes && !isGone) tell(`pair: ${pk} v${commit.v}: ${deed} of ${who} changes nothing, or may not`);
    const made = commit.events.filter(({ type }) => type === 'Matched');
    const ended = commit.events.filter(({ type }) => type === 'Unmatched');
    if (made.length !== Number(!facts.together && next.facts.together))
      tell(`pair: ${pk} v${commit.v} makes ${made.length} matches`);
    if (ended.length !== Number(facts.together && !next.facts.together))
      tell(`pair: ${pk} v${commit.v} ends ${ended.length} matches`);
    for (const { generation } of made)
      if ((generation ?? 1) !== facts.past + 1)
        tell(`pair: ${pk} v${commit.v} makes match ${generation} after ${facts.past}`);
    for (const { generation } of ended)
      if (generation !== facts.past + 1) tell(`pair: ${pk} v${commit.v} ends match ${generation} after ${facts.past}`);
    facts = next.facts;
  }
  return facts;
};

type Told = { conversation: string; with: string };
const toldOf = (
  all: ReadonlyMap<string, RawCommit[]>,
  tenant: string,
  me: string,
  other: string,
  type: string,
): Told[] =>
  ofType(all.get(`${tenant}#person#${me}`) ?? [], type).flatMap((event) =>
    event.with === other ? [{ conversation: String(event.conversation), with: other }] : [],
  );

/** Every match is told to both once, with a conversation of its own, which is open as long as they are together. */
const pairs: Check = ({ cloud, raw }, tell) => {
  const all = raw.streams();
  for (const [pk, commits] of all) {
    const [head] = commits;
    if (head?.kind !== 'pair' || !cloud.tenants.has(head.tenant)) continue;
    const { tenant, id } = head;
    const facts = follow(pk, commits, tell);
    const [a = '', b = ''] = id.split('+');
    for (const [me, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const made = toldOf(all, tenant, me, other, 'MatchMade').map(({ conversation }) => conversation);
      const ended = toldOf(all, tenant, me, other, 'MatchEnded').map(({ conversation }) => conversation);
      const matches = facts.past + Number(facts.together);
      if (made.length !== matches || new Set(made).size !== matches)
        tell(`match: ${me} was told ${made.length} times of ${matches} with ${other}`);
      if (ended.length !== facts.past || ended.some((each) => !made.includes(each)))
        tell(`match: ${me} was told ${ended.length} ends of ${facts.past} with ${other}`);
      const open = made.filter((each) => !ended.includes(each));
      for (const conversation of made) {
        const said = all.get(`${tenant}#conversation#${conversation}`) ?? [];
        if (ofType(said, 'Opened').length !== 1)
          tell(`match: ${conversation} of ${me} and ${other} was opened ${ofType(said, 'Opened').length} times`);
        const closings = ofType(said, 'Closed');
        if (closings.length !== Number(!open.includes(conversation)))
          tell(`match: ${conversation} was closed ${closings.length} times`);
        const late = ofType(said, 'Sent').filter(({ seq }) => closings.some((closed) => seq > closed.seq));
        if (late.length > 0) tell(`closed: ${late.length} messages in ${conversation} after its end`);
      }
      const row = raw.item(raw.tables.views, `${tenant}#person#${me}`, `match#${other}`);
      if (facts.together && (row?.conversationId !== open[0] || row?.lost !== undefined))
        tell(`view: ${me} has no match row for ${other}`);
      if (!facts.together && row && row.lost !== true) tell(`view: ${me} still has a match row for ${other}`);
      const seen = raw.item(raw.tables.views, `${tenant}#person#${me}`, `seen#${other}`)?.type;
      const mine = facts.feels[me === a ? 'ada' : 'ben'];
      const isCut = Object.keys(facts.blocks).length > 0;
      const due = isCut ? 'blocked' : facts.together ? 'matched' : mine;
      if (due !== undefined && seen !== due) tell(`view: ${me} has seen ${other} as ${String(seen)}, and it is ${due}`);
      if (due === undefined && !['none', 'unmatched', undefined].includes(seen as string | undefined))
        tell(`view: ${me} has seen ${other} as ${String(seen)}`);
    }
  }
};

/** What was accepted is there, if it was news; what was refused is not; nothing is there twice, and what nobody asked for never. */
const asked: Check = ({ cloud, raw, history }, tell) => {
  const all = raw.streams();
  const names = new Set(history.felt.map(({ tenant, user, key }) => `${tenant} ${user}/${key}`));
  for (const [pk, commits] of all)
    for (const { tenant, kind, command } of commits)
      if (kind === 'pair' && cloud.tenants.has(tenant) && !names.has(`${tenant} ${command}`))
        tell(`phantom: ${pk} ${command}`);
  for (const felt of history.felt) {
    const { tenant, user, about, type, attempts, key, answer } = felt;
    const commits = all.get(`${tenant}#pair#${[user, about].sort().join('+')}`) ?? [];
    const own = commits.filter(({ command }) => command === `${user}/${key}`);
    if (outcomeOf(attempts) === 'nothing' && own.length > 0)
      tell(`definite: ${user}'s ${type} of ${about} was refused and is there`);
    if (outcomeOf(attempts) !== 'done') continue;
    const isLike = type === 'like' || type === 'super-like';
    if (isLike && !ofType(commits, 'Liked').some(({ by }) => by === user))
      tell(`lost: ${user} likes ${about} was accepted and is not there`);
    if (type === 'undo' && own.length !== 1)
      tell(`lost: ${user} undid what they thought of ${about}, ${own.length} times`);
    const made = toldOf(all, tenant, user, about, 'MatchMade').map(({ conversation }) => conversation);
    if (answer?.matched && !made.includes(String(answer.conversationId)))
      tell(`answer: ${user} was told of ${answer.conversationId} with ${about}, and has ${made.join()}`);
  }
};

const isEnd = ({ type }: Felt): boolean => type === 'block' || type === 'unmatch';

/** From its answer on, nothing is said in what a block or the end of a match has ended, and nothing of before is shown. */
const endings =
  (at: (seq: number) => number): Check =>
  ({ cloud, raw, history }: Quiet, tell) => {
    const all = raw.streams();
    for (const { tenant, user, about, type, asked: begun, from } of history.felt.filter(isEnd)) {
      if (from === undefined) continue;
      for (const { conversation } of toldOf(all, tenant, user, about, 'MatchMade')) {
        const said = all.get(`${tenant}#conversation#${conversation}`) ?? [];
        // Another match, made since.
        if (said[0] === undefined || at(said[0].seq) >= begun) continue;
        for (const { seq, by } of ofType(said, 'Sent'))
          if (at(seq) > from) tell(`${type}: ${String(by)} writes into ${conversation} after ${user} was answered`);
        const shown = cloud.phones.accepted.filter(
          (push) => push.tenant === tenant && push.what === 'show' && push.stream === `conversation/${conversation}`,
        );
        for (const push of shown)
          if ((push.found?.began ?? 0) > from)
            tell(`${type}: ${push.stream}@${push.v} is shown to ${push.user} after ${user} was answered`);
      }
    }
  };

/** Nobody ever said anything but a like: then two who like each other have matched. */
const likers: Check = ({ raw, history }, tell) => {
  const byPair = Map.groupBy(history.felt, ({ tenant, user, about }) => [tenant, ...[user, about].sort()].join(' '));
  for (const [pair, felt] of byPair) {
    const [tenant, a, b] = pair.split(' ');
    if (!felt.every(({ type }) => type === 'like' || type === 'super-like')) continue;
    const commits = raw.streams().get(`${tenant}#pair#${a}+${b}`) ?? [];
    const isMatched = ofType(commits, 'Matched').length > 0;
    const likes = (who: string | undefined) => ofType(commits, 'Liked').some(({ by }) => by === who);
    if (!isMatched && likes(a) && likes(b)) tell(`match: ${a} and ${b} like each other and have not matched`);
    const surely = felt.every(({ attempts }) => attempts.length === 1 && attempts[0] === 'done');
    if (isMatched && surely && !felt.some(({ answer }) => answer?.matched))
      tell(`answer: nobody of ${pair} was told of their match`);
  }
};

/** @param at when a write happened, by its number */
export const pairChecks = (at: (seq: number) => number): Record<string, Check> => ({
  ...{ 'pairs in all': pairs, 'deeds asked': asked, endings: endings(at), likers },
});
