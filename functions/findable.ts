/** Who is not in good standing is not found: what a person's stream says of that is told to their profile, and so to its rows. */
import type { Commit } from '../core/commit.ts';
import type { Stream } from '../core/keys.ts';
import { PersonEvent } from './accounts/person.ts';
import { standingAfter } from './accounts/standing.ts';
import { profile } from './profiles/profile.ts';
import { type Step, step } from './steps.ts';

export const JUDGED = 'standing:';

export const onStanding = ({ tenant, id }: Stream, { v, events }: Pick<Commit, 'v' | 'events'>): Step[][] =>
  events.flatMap((each) => {
    const event = PersonEvent.parse(each);
    const standing = standingAfter(event);
    if (!standing) return [];
    const judge = step(profile, {
      stream: { tenant, kind: 'profile', id },
      command: { type: 'Judge', person: event.person, standing, asOf: v, at: event.at },
      id: `${JUDGED}${id}@${v}`,
      dedupe: 'state',
    });
    return [[judge]];
  });
