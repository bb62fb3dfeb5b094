/** API Gateway's WebSocket side: connections, frames on their way, and `$disconnect`, which may come late or never. */
import type { Fault, Faults } from './faults.ts';
import type { Dice } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export type Connection = {
  id: string;
  /** As the server sees it; before `$connect` has answered it knows no connection. */
  server: 'handshake' | 'open' | 'closed';
  /** Frames that the network swallows from now on, though both sides believe in it. */
  halfOpen: boolean;
  /** The device's side. */
  onFrame: (frame: unknown) => void;
  onClose: () => void;
};

export type Sockets = {
  /** How many frames of each type were sent, and how many connections were opened. */
  sent: Map<string, number>;
  connection: (id: string) => Connection | undefined;
  add: (connection: Connection) => void;
  /** @throws when it is not known whether the frame went out */
  post: (id: string, frame: string, fault: Fault | undefined) => 'sent' | 'gone';
  closeByServer: (id: string) => void;
  closeByClient: (id: string) => void;
};

type Needs = {
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  /** Runs `$disconnect`. */
  disconnected: (connection: Connection) => void;
};

const LATE_MS = 20_000;

export const createSockets = ({ scheduler, dice, faults, disconnected }: Needs): Sockets => {
  const all = new Map<string, Connection>();
  const sent = new Map<string, number>();
  /** Both sides hear of the end when they do. */
  const close = (connection: Connection): void => {
    if (connection.server === 'closed') return;
    const wasOpen = connection.server === 'open';
    connection.server = 'closed';
    scheduler.after(dice.below(200), { what: `${connection.id} closes`, run: connection.onClose });
    if (!wasOpen || faults.decide(`$disconnect ${connection.id}`, ['dropped'])) return;
    const delay = faults.decide(`$disconnect ${connection.id} comes`, ['late']) ? dice.below(LATE_MS) : dice.below(100);
    scheduler.after(delay, { what: `$disconnect ${connection.id}`, run: () => disconnected(connection) });
  };
  const deliver = (connection: Connection, frame: string): void =>
    scheduler.soon({
      what: `frame to ${connection.id}`,
      run: () => {
        if (!connection.halfOpen && connection.server === 'open') connection.onFrame(JSON.parse(frame));
      },
    });
  const ofOpen = (id: string): Connection | undefined => {
    const connection = all.get(id);
    return connection?.server === 'open' ? connection : undefined;
  };
  return {
    sent,
    connection: (id) => all.get(id),
    add: (connection) => void all.set(connection.id, connection),
    post: (id, frame, fault) => {
      const connection = ofOpen(id);
      if (!connection) return 'gone';
      if (fault === 'gone') {
        close(connection);
        return 'gone';
      }
      if (fault === 'half-open') connection.halfOpen = true;
      const { type } = JSON.parse(frame) as { type: string };
      sent.set(type, (sent.get(type) ?? 0) + 1);
      if (fault !== 'dropped') deliver(connection, frame);
      return 'sent';
    },
    closeByServer: (id) => {
      const connection = ofOpen(id);
      if (connection) close(connection);
    },
    closeByClient: (id) => {
      const connection = all.get(id);
      if (connection) close(connection);
    },
  };
};
