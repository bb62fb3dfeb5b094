/** PUT /v1/me — one's own profile, as a whole: what is not said is as if never said. */
import { isRejection } from '../../core/decider.ts';
import { ring, ringing } from '../../core/deliver.ts';
import { tenantOf } from '../../core/env.ts';
import { execute } from '../../core/execute.ts';
import { http } from '../../core/http.ts';
import { problems } from '../../core/problem.ts';
import { mediaOf } from '../media.ts';
import { react } from '../reactions.ts';
import { profile } from './profile.ts';
import { ProfileSaid, photoErrors, profileOf } from './said.ts';
import { Mine, mineOf } from './shown.ts';

export const handler = http(
  {
    body: ProfileSaid,
    output: Mine,
    limit: 'profile',
    refusals: { 'no-profile': { status: 409, detail: 'There is no profile.' } },
  },
  async ({ body, actor, commandId }, deps) => {
    const rules = tenantOf(actor.tenant).profile;
    const said = profileOf(body, rules, deps.now());
    const errors = await photoErrors(actor.user, said.photos, (...asked) => mediaOf(deps, actor.tenant, ...asked));
    if (errors.length > 0) throw problems.invalid(errors);
    const stream = { tenant: actor.tenant, kind: 'profile', id: actor.user } as const;
    const command = { type: 'SetProfile' as const, person: actor.user, profile: said, at: deps.now().toISOString() };
    const done = await execute(deps, profile, { stream, command, id: commandId, by: actor.user, dedupe: 'state' });
    if (isRejection(done)) return done;
    const { commit, fresh, state } = done;
    // Others find them by what is said now, not when the stream comes to it.
    if (commit && fresh)
      await Promise.all([ring(deps, stream, commit), ringing(deps, stream, commit, () => react(deps, stream, commit))]);
    return mineOf(actor.user, state, rules, deps.now());
  },
);
