/** Ends the connections of devices that were logged out. */
import type { Deps } from '../../core/deps.ts';
import type { Connection } from '../../core/devices.ts';
import { encodeFrame } from '../../core/frames.ts';
import { errorName } from '../../core/log.ts';

/** Says why, then closes. The device is forgotten already: whatever fails here, nothing is sent to it any more. */
export const closeLoggedOut = async (deps: Deps, { id }: Connection): Promise<void> => {
  try {
    await deps.sockets.post(id, encodeFrame({ type: 'closing', code: 'logged-out' }));
    await deps.sockets.close(id);
  } catch (error) {
    deps.log({ level: 'warn', msg: 'close failed', connectionId: id, error: errorName(error) });
  }
};
