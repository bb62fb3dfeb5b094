/** What a person set, for whoever must heed it: a root file, since contexts do not know each other. */
import { z } from 'zod';
import type { Deps } from '../core/deps.ts';
import { readNewest } from '../core/events.ts';
import type { TenantId, UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { stateAt } from '../core/load.ts';
import { person } from './accounts/person.ts';
import { noPreferences, type Preferences } from './accounts/preferences.ts';

/** Older states are of streams in which nobody had set anything. */
const FIRST_REDUCER = 2;

/**
 * How a person wants to be notified, by one consistent read of the newest commit of their stream. Who never said, and whose
 * stream can't be read, has the defaults: a notification too many is better than none.
 */
export const preferencesOf = async (deps: Deps, tenant: TenantId, user: UserId): Promise<Preferences> => {
  const stream: Stream = { tenant, kind: 'person', id: user };
  try {
    const [head] = await readNewest(deps, stream, 1);
    if (!head || head.reducer < FIRST_REDUCER) return noPreferences;
    return (await stateAt(deps, person, stream, head)).preferences ?? noPreferences;
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    deps.log({ level: 'error', msg: 'preferences unreadable', tenant, person: user });
    return noPreferences;
  }
};
