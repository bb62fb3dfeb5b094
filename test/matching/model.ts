/**
 * What two people can make of each other, said once more and otherwise: as facts about each of them, without the product's events,
 * states or rules. And whether what each was answered can have come about one after the other (linearizability).
 */
export type Who = 'ada' | 'ben';
export const otherOf = (who: Who): Who => (who === 'ada' ? 'ben' : 'ada');

export const deeds = ['like', 'super-like', 'pass', 'later', 'undo', 'unmatch', 'block', 'unblock'] as const;
export type Deed = (typeof deeds)[number];

export type Feeling = 'like' | 'super-like' | 'pass' | 'later';
/** How it is between them. */
export type Facts = {
  feels: { [who in Who]?: Feeling };
  together: boolean;
  /** How many matches have ended. */
  past: number;
  blocks: { [who in Who]?: true };
};
export const strangers: Facts = { feels: {}, together: false, past: 0, blocks: {} };

/** What somebody is answered, and how it is then. */
export type Turn = { answer: string; facts: Facts; changes: boolean };

const wants = (feeling: Feeling | undefined): boolean => feeling === 'like' || feeling === 'super-like';

const feel = (facts: Facts, who: Who, feeling: Feeling): Turn => {
  if (facts.together) return wants(feeling) ? stays(facts) : refused(facts, 'already-matched');
  const was = facts.feels[who];
  if (was === feeling || (was === 'super-like' && feeling === 'like')) return stays(facts);
  if (wants(feeling) && wants(facts.feels[otherOf(who)]))
    return { answer: 'matched', facts: { ...facts, feels: {}, together: true }, changes: true };
  return { answer: 'not matched', facts: { ...facts, feels: { ...facts.feels, [who]: feeling } }, changes: true };
};

const stays = (facts: Facts): Turn => ({ answer: facts.together ? 'matched' : 'not matched', facts, changes: false });
const refused = (facts: Facts, answer: string): Turn => ({ answer, facts, changes: false });
const parted = (facts: Facts): Facts =>
  facts.together ? { ...facts, feels: {}, together: false, past: facts.past + 1 } : { ...facts, feels: {} };
const less = <V>(record: { [who in Who]?: V }, who: Who): { [who in Who]?: V } => {
  const { [who]: _gone, ...left } = record;
  return left as { [who in Who]?: V };
};

export const turn = (facts: Facts, who: Who, deed: Deed): Turn => {
  const isCut = Object.keys(facts.blocks).length > 0;
  switch (deed) {
    case 'block':
      if (facts.blocks[who]) return stays(facts);
      return {
        answer: 'not matched',
        facts: { ...parted(facts), blocks: { ...facts.blocks, [who]: true } },
        changes: true,
      };
    case 'unblock':
      if (!facts.blocks[who]) return stays(facts);
      return { answer: 'not matched', facts: { ...facts, blocks: less(facts.blocks, who) }, changes: true };
    case 'unmatch':
      if (facts.together) return { answer: 'not matched', facts: parted(facts), changes: true };
      return facts.past > 0 ? stays(facts) : refused(facts, 'not-found');
    case 'undo':
      if (isCut) return refused(facts, 'not-found');
      if (facts.feels[who] !== 'pass' && facts.feels[who] !== 'later') return refused(facts, 'nothing-to-undo');
      return { answer: 'not matched', facts: { ...facts, feels: less(facts.feels, who) }, changes: true };
    default:
      return isCut ? refused(facts, 'not-found') : feel(facts, who, deed);
  }
};

/** Something that was asked and answered: `again` is a retry of what the same person asked before. */
export type Op = { who: Who; deed: Deed; again: boolean; from: number; to: number; answer: string };

/** Can they have been done one after the other, no one before another that was answered before it was asked? */
export const explains = (ops: readonly Op[], end: Facts, same: (facts: Facts, end: Facts) => boolean): boolean => {
  const search = (left: readonly Op[], facts: Facts, done: ReadonlyMap<Who, Turn>): boolean => {
    if (left.length === 0) return same(facts, end);
    const first = left.filter((op) => left.every((other) => other === op || other.to >= op.from));
    return first.some((op) => {
      const before = done.get(op.who);
      // What was done is answered as it was; what changed nothing is looked at anew.
      const next = op.again && before?.changes ? { ...before, facts } : turn(facts, op.who, op.deed);
      if (next.answer !== op.answer) return false;
      return search(
        left.filter((other) => other !== op),
        next.facts,
        new Map([...done, [op.who, next]]),
      );
    });
  };
  return search(ops, strangers, new Map());
};
