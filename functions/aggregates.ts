/** Which aggregate a stream's kind is: for who shows states of any stream. */
import type { Commit } from '../core/commit.ts';
import type { Deps } from '../core/deps.ts';
import type { Stream } from '../core/keys.ts';
import { stateAt } from '../core/load.ts';
import { person } from './accounts/person.ts';
import { match } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';

/** The state at a commit by today's reducer, whichever made the one that it carries. */
export const stateOf = (deps: Deps, stream: Stream, commit: Commit): Promise<unknown> => {
  switch (stream.kind) {
    case 'conversation':
      return stateAt(deps, conversation, stream, commit);
    case 'pair':
      return stateAt(deps, match, stream, commit);
    case 'person':
      return stateAt(deps, person, stream, commit);
  }
};
