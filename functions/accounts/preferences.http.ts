/** GET /v1/preferences — what one wants to be notified of; the defaults for who never said. */
import { http } from '../../core/http.ts';
import { load } from '../../core/load.ts';
import { person } from './person.ts';
import { noPreferences, Preferences } from './preferences.ts';

export const handler = http({ limit: 'reads', output: Preferences }, async ({ actor }, deps) => {
  const { state } = await load(deps, person, { tenant: actor.tenant, kind: 'person', id: actor.user });
  return state.preferences ?? noPreferences;
});
