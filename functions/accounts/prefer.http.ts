/** PUT /v1/preferences — what one wants to be notified of, as a whole: what is not said is as if never set. */
import { isRejection } from '../../core/decider.ts';
import { ring } from '../../core/deliver.ts';
import { execute } from '../../core/execute.ts';
import { http } from '../../core/http.ts';
import { person } from './person.ts';
import { PreferencesSaid } from './preferences.ts';

export const handler = http(
  { limit: 'preferences', body: PreferencesSaid, output: PreferencesSaid },
  async ({ body: preferences, actor, commandId }, deps) => {
    const stream = { tenant: actor.tenant, kind: 'person', id: actor.user } as const;
    const at = deps.now().toISOString();
    const command = { type: 'SetPreferences' as const, person: actor.user, preferences, at };
    const done = await execute(deps, person, { stream, command, id: commandId, by: actor.user, dedupe: 'state' });
    if (isRejection(done)) return done;
    if (done.fresh && done.commit) await ring(deps, stream, done.commit);
    return preferences;
  },
);
