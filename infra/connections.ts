/** The functions behind the WebSocket API: who may connect, and what frames do. */
import type { Parts } from './parts.ts';
import { maySend, mayTable } from './rights.ts';
import { mayUseConnections, routeSockets } from './sockets.ts';

export const holdSockets = ({ sockets, makeFunction, deliver, inbox, views, devices, trail, expiry }: Parts): void =>
  routeSockets(sockets, {
    authorizer: makeFunction('functions/sync/ticket.authorizer.ts', [
      mayTable(devices, 'UpdateItem'),
      mayTable(views, 'GetItem'),
    ]),
    connect: makeFunction('functions/sync/connect.ws.ts', [
      // A device that is one too many ends, and its addresses with it.
      mayTable(devices, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
      mayUseConnections(sockets),
      mayTable(views, 'GetItem'),
      maySend(expiry.queue),
    ]),
    disconnect: makeFunction('functions/sync/disconnect.ws.ts', [mayTable(devices, 'UpdateItem')]),
    frame: makeFunction('functions/sync/frame.ws.ts', [
      ...deliver,
      mayTable(inbox, 'Query'),
      mayTable(devices, 'GetItem'),
      // Frames are counted.
      mayTable(trail, 'UpdateItem'),
    ]),
  });
