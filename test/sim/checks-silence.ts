/** Who wants no notifications has none, as far as they were told so; and nobody has silence who did not ask for it. */
import type { Quiet } from './checks.ts';
import { type Row, trailOf } from './checks-trail.ts';
import type { Preferences, Wish } from './history.ts';
import type { RawCommit } from './raw.ts';

type Tell = (violation: string) => void;

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** Minutes: clocks are wrong by less, and what was decided is sent sooner. */
const MARGIN = 10;
const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Is it so long within quiet hours, or, by less than nothing, so near to them? */
const isQuiet = ({ quiet }: Preferences, at: number, by: number): boolean => {
  if (!quiet) return false;
  const [from, to, now] = [minutesOf(quiet.from), minutesOf(quiet.to), Math.floor(at / MINUTE_MS) % DAY_MINUTES];
  return from < to ? from + by <= now && now < to - by : from + by <= now || now < to - by;
};

type Window = { from: number; to: number };
/**
 * Was it answered before `from` that something is as it was wished, and did no other wish, made until `to`, take it back?
 * What was not answered may land at any time.
 */
const holds = <W extends Wish>(all: readonly W[], isSo: (wish: W) => boolean, { from, to }: Window): boolean =>
  all.some(
    (wish) =>
      isSo(wish) &&
      wish.from !== undefined &&
      wish.from < from &&
      all.every(
        (other) =>
          isSo(other) ||
          other.asked > to ||
          (other.over !== undefined && other.over < wish.asked && !other.attempts.includes('unknown')),
      ),
  );

/** What can be wished of it; of purchases people here wish nothing. */
const kindOf = ({ events }: RawCommit): 'messages' | 'matches' | undefined => {
  const types = events.map(({ type }) => type);
  return types.includes('Sent') ? 'messages' : types.includes('MatchMade') ? 'matches' : undefined;
};
type Event = { tenant: string; user: string; stream: string; at: number };

/** By the reasons that a trail gives: what a person wished, and whether it silences an event. */
const wishesOf = ({ history }: Quiet, { tenant, user, stream, at }: Event, commit: RawCommit, margin: number) => {
  const theirs = (each: Wish): boolean => each.tenant === tenant && each.user === user;
  const preferred = history.preferred.filter(theirs);
  const kind = kindOf(commit);
  const muted = history.muted.filter((each) => theirs(each) && `conversation/${each.conversation}` === stream);
  const of = <W extends Wish>(all: W[], isSo: (wish: W) => boolean) => ({
    isAsked: all.some(isSo),
    holds: (window: Window) => holds(all, isSo, window),
    isTakenBack: (window: Window) => holds(all, (wish) => !isSo(wish), window),
  });
  return {
    'switched off': of(preferred, ({ preferences: { kinds } }) => kind !== undefined && kinds[kind] === 'none'),
    'quiet hours': of(preferred, ({ preferences }) => isQuiet(preferences, at, margin)),
    muted: of(muted, ({ until }) => until !== undefined),
  };
};

const commitsOf = ({ raw }: Quiet): Map<string, RawCommit> =>
  new Map([...raw.streams().values()].flat().map((each) => [`${each.tenant} ${each.kind}/${each.id}@${each.v}`, each]));

/** Who was told before something was written that they will have silence is shown nothing of it. */
const heeded = (quiet: Quiet, at: (seq: number) => number, tell: Tell): void => {
  const commits = commitsOf(quiet);
  for (const push of quiet.cloud.phones.accepted.filter(({ what }) => what === 'show')) {
    const commit = commits.get(`${push.tenant} ${push.stream}@${push.v}`);
    if (!commit) continue;
    const wishes = wishesOf(quiet, push, commit, MARGIN);
    for (const [reason, wish] of Object.entries(wishes))
      if (wish.holds({ from: at(commit.seq), to: push.at }))
        tell(`silence: ${push.stream}@${push.v} is shown to ${push.user}: ${reason}`);
  }
};

/** A process ends sooner than that after it decided. */
const PROCESS_MS = MINUTE_MS;

const isAbout = (row: Row): row is Row & { reason: 'switched off' | 'quiet hours' | 'muted' } =>
  row.decision === 'skipped' && ['switched off', 'quiet hours', 'muted'].includes(row.reason);

/** Silence was asked for, and surely not taken back before it was decided. */
const asked = (quiet: Quiet, tell: Tell): void => {
  const commits = commitsOf(quiet);
  const slack = quiet.cloud.faults.profile.skewMs + PROCESS_MS;
  for (const row of trailOf(quiet).filter(isAbout)) {
    const { tenant, person: user, stream, v, reason, at } = row;
    const commit = commits.get(`${tenant} ${stream}@${v}`);
    if (!commit) continue;
    const wish = wishesOf(quiet, { tenant, user, stream, at }, commit, -MARGIN)[reason];
    const about = `${stream}@${v} is not shown to ${user}: ${reason}`;
    if (!wish.isAsked) tell(`silence: ${about}, which nobody asked for`);
    if (wish.isTakenBack({ from: at - slack, to: at + slack })) tell(`silence: ${about}, which was taken back`);
  }
};

/** @param at when a write happened, by its number */
export const checkSilence =
  (at: (seq: number) => number) =>
  (quiet: Quiet, tell: Tell): void => {
    heeded(quiet, at, tell);
    asked(quiet, tell);
  };
