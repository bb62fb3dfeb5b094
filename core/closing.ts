/** Ending connections from our side: a last frame says why, then the socket is closed. */
import type { Deps } from './deps.ts';
import { forgetConnection, readDevices } from './devices.ts';
import { encodeFrame, type ServerFrame } from './frames.ts';
import type { Actor } from './ids.ts';
import { errorName } from './log.ts';

export type Closing = Extract<ServerFrame, { type: 'closing' }>['code'];

/** Says why if it can, and closes all the same. */
const closeOne = async (deps: Deps, connectionId: string, code: Closing): Promise<void> => {
  try {
    await deps.sockets.post(connectionId, encodeFrame({ type: 'closing', code }));
  } finally {
    await deps.sockets.close(connectionId);
  }
};

/**
 * Ends every connection of a person. Their devices forget them too: what can't be closed, as a handshake that still goes on,
 * gets no frame any more, and is closed when it is next heard of.
 */
export const closeAll = async (deps: Deps, { tenant, user }: Actor, code: Closing): Promise<void> => {
  const devices = await readDevices(deps, tenant, user, { consistent: true });
  const open = devices.flatMap(({ device, connection }) =>
    connection ? [{ device, connectionId: connection.id }] : [],
  );
  await Promise.all(
    open.map(async ({ device, connectionId }) => {
      const about = { tenant, user, device, connectionId, code };
      await closeOne(deps, connectionId, code).then(
        () => deps.log({ level: 'info', msg: 'closed', ...about }),
        (error: unknown) => deps.log({ level: 'warn', msg: 'close failed', ...about, error: errorName(error) }),
      );
      await forgetConnection(deps, { tenant, person: user, device, connectionId });
    }),
  );
};
