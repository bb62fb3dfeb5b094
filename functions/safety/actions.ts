/** What moderators did to a person that still holds, and how it leaves them to stand. Pure. */
import { z } from 'zod';
import { ConversationId, Timestamp } from '../../core/ids.ts';
import type { Standing } from '../../core/standing.ts';

const numbered = { action: z.int().min(1) };
export const Action = z.discriminatedUnion('type', [
  z.object({ type: z.literal('warned'), ...numbered }),
  z.object({ type: z.literal('hidden'), ...numbered, conversation: ConversationId, message: z.string() }),
  z.object({ type: z.literal('suspended'), ...numbered, until: Timestamp }),
  z.object({ type: z.literal('banned'), ...numbered }),
]);
export type Action = z.infer<typeof Action>;

/** Suspensions that overlap: enough for anybody, and a bound. */
export const SUSPENSIONS_LIMIT = 10;
/** Of warnings and hidden messages the newest can be reversed. */
const OTHERS_LIMIT = 20;

const isOver = (action: Action, at: string): boolean =>
  action.type === 'suspended' && Date.parse(action.until) <= Date.parse(at);
const excludes = ({ type }: Action): boolean => type === 'suspended' || type === 'banned';

/** One more; what is over by then is left out, and the oldest of what nobody is excluded by. */
export const withAction = (actions: readonly Action[], action: Action, at: string): Action[] => {
  const all = [...actions.filter((each) => !isOver(each, at)), action];
  const others = all.filter((each) => !excludes(each));
  const forgotten = new Set(others.slice(0, Math.max(0, others.length - OTHERS_LIMIT)));
  return all.filter((each) => !forgotten.has(each));
};

/** What lasts longest holds. */
export const standingBy = (actions: readonly Action[], at: string): Standing => {
  if (actions.some(({ type }) => type === 'banned')) return { is: 'banned' };
  const ends = actions.flatMap((each) => (each.type === 'suspended' && !isOver(each, at) ? [each.until] : []));
  const until = ends.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
  return until === undefined ? { is: 'good' } : { is: 'suspended', until };
};
