/**
 * What goes wrong. Which kinds are possible at all and how often is drawn per seed (0 included), since bugs of
 * concurrency hide when everything fails. Each fault has a stable name, so that a list of them can be replayed and made
 * smaller.
 */
import { createDice, type Dice } from './random.ts';

/** Of a call: not done, done, done later than its answer, done twice, and so on. The names are those of the trace. */
export type Fault =
  | 'throttled' // F1: nothing was written, and it says so
  | 'lost before' // F2: no answer, nothing done
  | 'lost after' // F3: no answer, but done
  | 'late' // F2: no answer, done some time later
  | 'doubled' // F4: done twice, the second answer is the one that is heard
  | 'conflict' // F5: another transaction was in the way
  | 'in progress' // F6: the transaction is still running; it may land or not
  | 'crash before' // F7
  | 'crash after' // F7
  | 'cut' // F8: the page ends early
  | 'stale' // F9: an eventually consistent read of an older state
  | 'redelivered' // F10: a batch or message comes again though it was done
  | 'forgotten' // F10: a record leaves the stream unread, as after 24 hours
  | 'silent' // F10: nothing is read for a while
  | 'gone' // F12: the connection is not known
  | 'dropped' // F12: a frame that nobody gets
  | 'half-open' // F12: one side believes that the socket is open
  | 'later' // F13: a provider asks for patience
  | 'trouble' // F13: a provider has trouble of its own
  | 'held' // F13: a provider does not take our credentials
  | 'unregistered' // F13: a provider knows the address no more
  | 'unregistered before' // F13: it learned so before the address was registered anew
  | 'bad token' // F13: a provider never knew the address
  | 'quit'; // the app is closed in the middle of something

export type Door = 'read' | 'write' | 'transaction' | 'bucket' | 'queue' | 'socket' | 'push' | 'invoke' | 'network';
const every: Fault[] = ['lost before', 'lost after', 'crash before', 'crash after'];

/** What can happen at a door. */
export const possible: Record<Door, readonly Fault[]> = {
  read: [...every, 'throttled', 'stale', 'cut'],
  write: [...every, 'throttled', 'late', 'doubled', 'conflict'],
  transaction: [...every, 'throttled', 'late', 'late', 'doubled', 'conflict', 'in progress'],
  bucket: every,
  queue: [...every, 'doubled', 'late'],
  socket: [...every, 'gone', 'dropped', 'doubled', 'half-open'],
  push: [...every, 'later', 'trouble', 'held', 'unregistered', 'unregistered before', 'bad token'],
  invoke: every,
  network: ['lost before', 'lost after', 'quit'],
};

const RATES = [0, 0.02, 0.06, 0.12, 0.25, 0.4] as const;
const ALL: readonly Fault[] = [
  ...new Set([...Object.values(possible).flat(), 'redelivered', 'forgotten', 'silent'] as const),
];
/** Crashes end everything around them, so fewer of them reach more places. */
const RARE: Partial<Record<Fault, number>> = {
  'crash before': 0.3,
  'crash after': 0.3,
  unregistered: 0.2,
  'bad token': 0.2,
  silent: 0.2,
};

export type Profile = { rate: number; enabled: ReadonlySet<Fault>; skewMs: number };
export type Planned = { at: string; fault: Fault };

export type Faults = {
  profile: Profile;
  /** What goes wrong here, if anything. `at` names the place: the same place has the same name in another run. */
  decide: (at: string, among: readonly Fault[]) => Fault | undefined;
  /** Everything that went wrong so far. */
  happened: readonly Planned[];
  /** From now on nothing goes wrong. */
  heal: () => void;
  healed: () => boolean;
};

const drawProfile = (dice: Dice, without: readonly Fault[]): Profile => ({
  rate: dice.pick(RATES),
  // Half of the seeds know every fault, the others some of them.
  enabled: new Set(
    (dice.chance(0.5) ? ALL : ALL.filter(() => dice.chance(0.5))).filter((each) => !without.includes(each)),
  ),
  skewMs: dice.chance(0.5) ? 5 * 60_000 : 0,
});

/** Remembers what happened, until it heals. @param choose what goes wrong at a place */
const createFaults = (profile: Profile, choose: (at: string, among: readonly Fault[]) => Fault | undefined): Faults => {
  const happened: Planned[] = [];
  let healed = false;
  return {
    profile,
    happened,
    healed: () => healed,
    heal: () => {
      healed = true;
    },
    decide: (at, among) => {
      const fault = healed ? undefined : choose(at, among);
      if (fault) happened.push({ at, fault });
      return fault;
    },
  };
};

/** @param without kinds that do not happen in this run */
export const drawFaults = (seed: number, without: readonly Fault[] = []): Faults => {
  const profile = drawProfile(createDice(seed, 'profile'), without);
  return createFaults(profile, (at, among) => {
    if (profile.rate === 0) return undefined;
    // Dice of its own for every place: a fault more or less elsewhere changes nothing here.
    const dice = createDice(seed, 'fault', at);
    if (!dice.chance(profile.rate)) return undefined;
    const fault = dice.pick(among);
    return profile.enabled.has(fault) && dice.chance(RARE[fault] ?? 1) ? fault : undefined;
  });
};

/** Exactly these faults, in whatever order their places are reached. */
export const planFaults = (planned: readonly Planned[], profile: Profile): Faults => {
  const byPlace = new Map(planned.map(({ at, fault }) => [at, fault]));
  return createFaults(profile, (at, among) => {
    const fault = byPlace.get(at);
    return fault !== undefined && among.includes(fault) ? fault : undefined;
  });
};
