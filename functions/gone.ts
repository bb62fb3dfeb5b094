/**
 * Read models of pairs without the rows of who was erased: they follow from the event by which they left, so that a rebuild does not
 * bring them back.
 */
import type { Commit } from '../core/commit.ts';
import type { UserId } from '../core/ids.ts';
import { parseViewKey, viewKey } from '../core/keys.ts';
import type { RowChange, View } from '../core/views.ts';
import { MatchEvent } from './matching/events.ts';

type Left = { by: UserId; about: UserId };
const leftIn = ({ events }: Pick<Commit, 'events'>): Left[] =>
  events.flatMap((each) => {
    const event = MatchEvent.parse(each);
    return event.type === 'Blocked' && event.gone ? [{ by: event.by, about: event.about }] : [];
  });

const isTheirs = ({ key }: RowChange, { by }: Left): boolean => parseViewKey(key)?.user === by;

/** Of whoever left in a commit, each view loses its row about the other. */
export const withoutGone = (view: View): View => {
  if (view.kind !== 'pair') return view;
  return {
    ...view,
    changes: (stream, commit) => {
      const left = leftIn(commit);
      const kept = view.changes(stream, commit).filter((change) => !left.some((each) => isTheirs(change, each)));
      const gone = left.map(
        ({ by, about }): RowChange => ({
          key: viewKey(stream.tenant, by, view.name, about),
          row: undefined,
        }),
      );
      return [...kept, ...gone];
    },
  };
};
