/**
 * Every way in which up to four commands of two people can pass one another: each reads, decides and appends if nothing came
 * between, and reads again if something did. What they are answered, and what is there in the end, is compared with a model.
 */
import { expect, test } from 'vitest';
import { isRejection } from '../../core/decider.ts';
import type { UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { type Stream, splitKey } from '../../core/keys.ts';
import { type MatchCommand, type MatchEvent, type MatchState, match, pairId } from '../../functions/matching/match.ts';
import { changesOf } from '../../functions/views.ts';
import { ada, at, ben, demo } from '../people.ts';
import { type Deed, deeds, explains, type Facts, type Op, otherOf, type Who } from './model.ts';

const ids: Record<Who, UserId> = { ada, ben };
const types: Record<Deed, MatchCommand['type']> = {
  ...{ like: 'Like', 'super-like': 'Like', pass: 'Pass', later: 'Defer' },
  ...{ undo: 'Undo', unmatch: 'Unmatch', block: 'Block', unblock: 'Unblock' },
};
const commandOf = (who: Who, deed: Deed): MatchCommand => ({
  ...{ type: types[deed], by: ids[who], about: ids[otherOf(who)], at },
  ...(deed === 'super-like' && { kind: 'super' as const }),
});

/** `again`: the command before it once more, under the same key. */
type Asked = Deed | 'again';
type Commit = { id: string; events: MatchEvent[]; state: MatchState };
type Process = {
  who: Who;
  asked: readonly Asked[];
  next: number;
  /** What it decided by which version, if it has read. */
  decided?: { v: number; commit: Commit } | undefined;
  from?: number | undefined;
};
type World = { log: readonly Commit[]; processes: readonly Process[]; ops: readonly Op[]; time: number };

/** The command itself, and the key that names it. */
const named = ({ who, asked, next }: Process): { deed: Deed; id: string; again: boolean } => {
  let first = next;
  while (asked[first] === 'again' && first > 0) first--;
  const deed = asked[first];
  return { deed: deed === 'again' || deed === undefined ? 'like' : deed, id: `${who}-${first}`, again: first < next };
};

const answerOf = (state: MatchState): string => (state.status === 'matched' ? 'matched' : 'not matched');

const replaced = (world: World, i: number, process: Process): readonly Process[] =>
  world.processes.map((each, j) => (i === j ? process : each));

const answered = (world: World, i: number, answer: string, log = world.log): World => {
  const process = world.processes[i] as Process;
  const { deed, again } = named(process);
  const op: Op = { who: process.who, deed, again, from: process.from ?? world.time, to: world.time, answer };
  const { who, asked, next } = process;
  const processes = replaced(world, i, { who, asked, next: next + 1 });
  return { log, processes, ops: [...world.ops, op], time: world.time + 1 };
};

/** One process does its next thing: reads and decides, or appends. */
const step = (world: World, i: number): World => {
  const process = world.processes[i] as Process;
  const { log, time } = world;
  const { decided, from = time } = process;
  if (decided) {
    if (decided.v === log.length) return answered(world, i, answerOf(decided.commit.state), [...log, decided.commit]);
    return { ...world, time: time + 1, processes: replaced(world, i, { ...process, decided: undefined }) };
  }
  const { deed, id } = named(process);
  const reading = { ...world, processes: replaced(world, i, { ...process, from }) };
  const own = log.find((commit) => commit.id === id);
  if (own) return answered(reading, i, answerOf(own.state));
  const state = log.at(-1)?.state ?? match.initial;
  const events = match.decide(commandOf(process.who, deed), state);
  if (isRejection(events)) return answered(reading, i, events.rejected);
  if (events.length === 0) return answered(reading, i, answerOf(state));
  const commit = { id, events, state: events.reduce(match.evolve, state) };
  return {
    ...reading,
    time: time + 1,
    processes: replaced(world, i, { ...process, from, decided: { v: log.length, commit } }),
  };
};

/** Every end that there is. */
function* ends(world: World): Generator<World> {
  let isOver = true;
  for (const [i, { asked, next }] of world.processes.entries()) {
    if (next >= asked.length) continue;
    isOver = false;
    yield* ends(step(world, i));
  }
  if (isOver) yield world;
}

/** The product's state in the model's words. */
const factsOf = (state: MatchState): Facts => {
  const by = <V>(record: Record<string, V> = {}): { [who in Who]?: V } =>
    Object.fromEntries(Object.entries(record).map(([id, value]) => [id === ada ? 'ada' : 'ben', value]));
  const past = (state.generation ?? 1) - 1;
  if (state.status === 'matched') return { feels: {}, together: true, past, blocks: {} };
  const blocks = by(state.blocks);
  return {
    feels: by(state.feelings),
    together: false,
    past,
    blocks: Object.fromEntries(Object.keys(blocks).map((who) => [who, true])),
  };
};
const same = (facts: Facts, end: Facts): boolean => canonicalJson(facts) === canonicalJson(end);

const stream: Stream = { tenant: demo, kind: 'pair', id: pairId(ada, ben) };
/** What the read models show: by view and whose it is. */
const shownBy = (log: readonly Commit[]): Record<string, unknown> => {
  const rows = new Map<string, Record<string, unknown>>();
  for (const [i, { events }] of log.entries())
    for (const { key, row } of changesOf(stream, { v: i + 1, events })) {
      const name = `${splitKey(key.sk)[0]} ${splitKey(key.pk)[2] === ada ? 'ada' : 'ben'}`;
      // As reactions write: of two changes with the same version the first one stays.
      if (Number(rows.get(name)?.v ?? 0) < i + 1) rows.set(name, row ?? {});
    }
  return Object.fromEntries(
    [...rows].flatMap(([name, { lost, type, kind, by }]) =>
      lost ? [] : [[name, name.startsWith('block') ? by : (type ?? kind ?? true)]],
    ),
  );
};
/** And what they should. */
const dueBy = ({ feels, together, past, blocks }: Facts, has: Record<string, unknown>): Record<string, unknown> => {
  const isCut = Object.keys(blocks).length > 0;
  const each = (who: Who): [string, unknown][] => {
    const other = otherOf(who);
    const idle = past > 0 && has[`seen ${who}`] !== 'none' ? 'unmatched' : 'none';
    const seen = isCut ? 'blocked' : together ? 'matched' : (feels[who] ?? idle);
    const theirs = feels[other];
    const isShown = (theirs === 'like' || theirs === 'super-like') && feels[who] !== 'pass';
    const by = blocks[who] ? (blocks[other] ? 'both' : 'me') : blocks[other] ? 'them' : undefined;
    return [
      [`seen ${who}`, seen],
      ...(together ? [[`match ${who}`, true] as [string, unknown]] : []),
      ...(isShown ? [[`like ${who}`, theirs] as [string, unknown]] : []),
      ...(by ? [[`block ${who}`, by] as [string, unknown]] : []),
    ];
  };
  return Object.fromEntries([...each('ada'), ...each('ben')]);
};
/** Whoever never met has no row, which says the same as one with `none`. */
const withNone = (shown: Record<string, unknown>): Record<string, unknown> => ({
  'seen ada': 'none',
  'seen ben': 'none',
  ...shown,
});

const wrongIn = ({ log, ops }: World): string[] => {
  const end = log.at(-1)?.state ?? match.initial;
  const shown = withNone(shownBy(log));
  const due = dueBy(factsOf(end), shown);
  return [
    ...(explains(ops, factsOf(end), same) ? [] : ['no order explains it']),
    ...(canonicalJson(shown) === canonicalJson(due)
      ? []
      : [`shows ${canonicalJson(shown)} instead of ${canonicalJson(due)}`]),
  ];
};

const programs = (length: number): Asked[][] =>
  length === 0
    ? [[]]
    : programs(length - 1).flatMap((before) =>
        [...deeds, ...(before.length > 0 ? (['again'] as const) : [])].map((deed): Asked[] => [...before, deed]),
      );

const splits = [
  ...[
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 0],
  ],
  ...[
    [1, 1],
    [2, 1],
    [3, 1],
    [2, 2],
  ],
] as const;

test.each(splits)(
  '%i commands of one and %i of the other are explained by some order, however they pass one another',
  (a, b) => {
    const wrong: string[] = [];
    let count = 0;
    for (const mine of programs(a))
      for (const theirs of programs(b)) {
        const begin = [
          { who: 'ada', asked: mine, next: 0 },
          { who: 'ben', asked: theirs, next: 0 },
        ] as const;
        for (const end of ends({ log: [], processes: begin, ops: [], time: 0 })) {
          count++;
          for (const what of wrongIn(end)) wrong.push(`${mine} ∥ ${theirs}: ${JSON.stringify(end.ops)}: ${what}`);
          if (wrong.length > 3) break;
        }
      }
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(deeds.length ** (a + b));
  },
  300_000,
);
