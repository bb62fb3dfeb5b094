/** What follows from cases: the person is told and stands as was decided; what was hidden is hidden in its conversation. */

import { UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import type { Standing } from '../core/standing.ts';
import { person } from './accounts/person.ts';
import { conversation } from './messaging/conversation.ts';
import type { CaseEvent } from './safety/case.ts';
import { type Step, step } from './steps.ts';

export const CASE = 'case:';
type About = { cause: Stream; v: number; at: string };

const idOf = ({ cause, v }: About): string => `${CASE}${cause.id}@${v}`;
const tellPerson = (about: About, said: { standing: Standing } | { text: string }): Step => {
  const { tenant, id } = about.cause;
  const known = { person: UserId.parse(id), asOf: about.v, at: about.at };
  return step(person, {
    stream: { tenant, kind: 'person', id },
    command:
      'standing' in said ? { type: 'TellStanding', ...known, ...said } : { type: 'TellWarning', ...known, ...said },
    id: idOf(about),
    dedupe: 'receipt',
  });
};

type Message = { conversation: string; message: string };
/** The newest word of the case holds: it is told with its version, and finds it in the state. */
const veil = (about: About, { conversation: id, message }: Message, type: 'Hide' | 'Reveal'): Step =>
  step(conversation, {
    stream: { tenant: about.cause.tenant, kind: 'conversation', id },
    command: { type, id: message, asOf: about.v, at: about.at },
    id: idOf(about),
    dedupe: 'state',
  });

export const onCase = (cause: Stream, v: number, event: CaseEvent): Step[][] => {
  const about = { cause, v, at: event.at };
  switch (event.type) {
    case 'Warned':
      return [[tellPerson(about, { text: event.text })]];
    case 'ContentHidden':
      return [[veil(about, event, 'Hide')]];
    case 'Suspended':
    case 'Banned':
      return [[tellPerson(about, { standing: event.standing })]];
    case 'Reversed':
      if (event.of.type === 'hidden') return [[veil(about, event.of, 'Reveal')]];
      return event.of.type === 'warned' ? [] : [[tellPerson(about, { standing: event.standing })]];
    case 'Reported':
    case 'Dismissed':
    case 'Noted':
    case 'Viewed':
      return [];
  }
};
