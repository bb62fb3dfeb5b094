/** Ends all devices of a person: a root file, for who leaves by an erasure, by Apple's word, or by a moderator's. */
import type { Deps } from '../core/deps.ts';
import { readRows } from '../core/devices.ts';
import type { Actor } from '../core/ids.ts';
import { removeDevice } from './push/addresses.ts';
import { closeLoggedOut } from './push/closing.ts';

/** As if each had logged out: its addresses have no owner any more, and its connection is closed. Said again, it ends what came since. */
export const logOutEverywhere = async (deps: Deps, actor: Actor): Promise<void> => {
  const rows = await readRows(deps, actor.tenant, actor.user, { consistent: true });
  for (const { device, loggedOut } of rows) {
    if (loggedOut) continue;
    const connection = (await removeDevice(deps, actor, device))?.connection;
    deps.log({ level: 'info', msg: 'logged out', ...actor, device });
    if (connection) await closeLoggedOut(deps, connection);
  }
};
