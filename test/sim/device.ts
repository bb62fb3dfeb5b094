/**
 * A device of a person: an app that keeps what it learns, repeats what was not answered, and reconnects. It knows nothing
 * of the product but docs/api.md.
 */
import { z } from 'zod';
import { createClient, told } from './client.ts';
import type { Cloud } from './cloud.ts';
import type { Felt, History, Muted, Preferences, Preferred, Registered, Sent, Told } from './history.ts';
import {
  applyEvents,
  applyPage,
  createReplica,
  Frame,
  mergeRegisters,
  Page,
  type Replica,
  sumsOf,
  type WireEvent,
} from './replica.ts';

export type Device = {
  tenant: string;
  user: string;
  name: string;
  replica: Replica;
  /** Whose connection the server holds to be open, if the device believes so too. */
  connection: () => string | undefined;
  register: () => Promise<void>;
  logout: () => Promise<void>;
  sync: () => Promise<boolean>;
  connect: () => Promise<void>;
  /** The app is closed, or out of reach; its socket may stay half open. */
  leave: () => void;
  feel: (about: string, type: Felt['type']) => Promise<void>;
  send: (conversation: string, text: string) => Promise<void>;
  read: (conversation: string, upTo: number) => Promise<void>;
  /** Until a moment or for ever; undefined ends it. */
  mute: (conversation: string, until: string | undefined) => Promise<void>;
  prefer: (preferences: Preferences) => Promise<void>;
  ping: () => void;
  /** Everything that was begun is done; it has everything and knows it. @returns why not, when it does not get there */
  settle: () => Promise<string | undefined>;
};

type Needs = { cloud: Cloud; history: History; tenant: string; user: string; name: string; address: string };

const ROUNDS = 12;
const SETTLED_PAGES = 200;
const Reacted = z.object({ matched: z.boolean(), conversationId: z.string().optional() });
/** What each says to whom; all that a person may be told of it. */
const deeds = {
  unmatch: { route: 'DELETE /v1/matches/{userId}', good: 204, refused: [404] },
  block: { route: 'PUT /v1/blocks/{userId}', good: 204, refused: [] },
  unblock: { route: 'DELETE /v1/blocks/{userId}', good: 204, refused: [] },
  undo: { route: 'DELETE /v1/reactions/{userId}', good: 204, refused: [404, 409] },
} as const;
const reacts = { route: 'PUT /v1/reactions/{userId}', good: 200, refused: [404, 409] } as const;
const howTo = (type: Felt['type']) =>
  type in deeds ? deeds[type as keyof typeof deeds] : { ...reacts, body: { type } };
/** A conversation may have ended. */
const isSentOrOver = ({ status, body }: { status: number; body: unknown }): boolean =>
  status === 201 || (status === 409 && (body as { code?: unknown }).code === 'closed');
const Sending = z.object({ id: z.string(), version: z.int(), number: z.int(), text: z.string() });

export const createDevice = ({ cloud, history, tenant, user, name, address }: Needs): Device => {
  const { scheduler, faults, dice, functions, sockets } = cloud;
  const me = `${tenant}/${user}/${name}`;
  const replica = createReplica();
  const outbox = new Set<() => Promise<void>>();
  let keys = 0;
  let connection: string | undefined;
  let connections = 0;
  let registration: Registered | undefined;
  let preferred: Preferred | undefined;
  let lostLogouts = 0;
  let pong: Extract<Frame, { type: 'pong' }> | undefined;
  let syncing: Promise<boolean> | undefined;

  const { request, persist, unexpected, isOfTheRestore } = createClient(
    cloud,
    { tenant, user, name },
    () => void sync(),
  );
  /** Does it now or, if that does not work out, when the device settles. Some are given up for good. */
  const begin = async (work: () => Promise<boolean>): Promise<void> => {
    if (await work()) return;
    if (dice.chance(0.7)) {
      const again = async (): Promise<void> => {
        if (await work()) outbox.delete(again);
      };
      outbox.add(again);
    }
  };

  /** The key under which somebody else sent is theirs alone. */
  const checkKeys = (events: readonly WireEvent[]): void => {
    for (const { commandId, by, person } of events)
      if (commandId !== undefined && (by ?? person) !== user)
        cloud.violation(`key: ${me} is told the key of ${String(by)}`);
  };
  const learn = (frame: Frame): void => {
    switch (frame.type) {
      case 'events':
        checkKeys(frame.events);
        if (applyEvents(replica, frame.stream, frame.events)) void sync();
        else acknowledge(frame.stream);
        return;
      case 'inbox':
        mergeRegisters(replica, frame);
        return;
      case 'pong': {
        const own = sumsOf(replica);
        pong = frame;
        if (frame.versions !== own.versions || frame.streams !== own.streams || frame.registers !== own.registers)
          void sync();
        return;
      }
      case 'problem':
        // What a restart of the app made of its connection is told as a closing frame; nothing else may go wrong.
        if (isOfTheRestore(frame.code)) void sync();
        else cloud.violation(`frame: ${me}: ${frame.code} ${frame.detail}`);
        return;
      case 'closing':
        return;
    }
  };
  const sendFrame = (frame: object): void => {
    const id = connection;
    const session = id === undefined ? undefined : functions.sessions.get(id);
    if (id === undefined || !session || sockets.connection(id)?.server !== 'open') return;
    const at = `${me} frame ${++keys}`;
    if (faults.decide(at, ['lost before']) || sockets.connection(id)?.halfOpen) return;
    scheduler.soon({
      what: at,
      run: () =>
        void functions.socket('$default', id, session, JSON.stringify(frame)).then((ended) => {
          const answer = ended.how === 'answered' ? (ended.result as { body?: string }).body : undefined;
          if (answer !== undefined) sockets.post(id, answer, undefined);
        }),
    });
  };
  const acknowledge = (stream: string): void => {
    const copy = replica.streams.get(stream);
    if (copy && copy.v > 0) sendFrame({ type: 'ack', stream, v: copy.v });
  };

  const syncOnce = async (): Promise<boolean> => {
    for (let page = 0; page < SETTLED_PAGES; page++) {
      const query = { limit: String(dice.pick([3, 20, 200])), ...(replica.cursor ? { cursor: replica.cursor } : {}) };
      const answer = await request('sync', { route: 'GET /v1/sync', query });
      if (answer === 'lost' || told(answer) === 'unknown' || answer.status === 503) return false;
      if (answer.status !== 200) {
        unexpected('sync', answer);
        return false;
      }
      const read = Page.parse(answer.body);
      for (const { events } of read.streams) checkKeys(events);
      applyPage(replica, read);
      for (const { stream } of read.streams) acknowledge(stream);
      if (!read.more) return true;
    }
    cloud.violation(`sync: ${me} does not come to an end`);
    return false;
  };
  /** One at a time, so that an older answer never follows a newer one. */
  const sync = (): Promise<boolean> => {
    syncing ??= syncOnce().finally(() => {
      syncing = undefined;
    });
    return syncing;
  };

  const connect = async (): Promise<void> => {
    const bought = await request('ticket', { route: 'POST /v1/socket-tickets', body: {} });
    if (bought === 'lost' || bought.status !== 201) return;
    const id = `${me}/connection-${++connections}`;
    const query = { ticket: String((bought.body as { ticket: string }).ticket), device: name };
    const session = await functions.authorize(`${id} authorizer`, tenant, query);
    if (!session) return;
    functions.sessions.set(id, session);
    const onClose = (): void => {
      if (connection === id) connection = undefined;
    };
    const socket = {
      id,
      server: 'handshake' as const,
      halfOpen: false,
      onFrame: (frame: unknown) => learn(Frame.parse(frame)),
      onClose,
    };
    sockets.add(socket);
    const ended = await functions.socket('$connect', id, session);
    const accepted = ended.how === 'answered' && (ended.result as { statusCode?: number }).statusCode === 200;
    Object.assign(socket, { server: accepted ? 'open' : 'closed' });
    if (!accepted) return;
    connection = id;
    if (await sync()) ping();
  };
  const leave = (): void => {
    const id = connection;
    connection = undefined;
    if (id === undefined) return;
    const socket = sockets.connection(id);
    if (socket && faults.decide(`${id} leaves`, ['half-open'])) socket.halfOpen = true;
    else sockets.closeByClient(id);
  };
  const ping = (): void => {
    pong = undefined;
    sendFrame({ type: 'ping' });
  };

  const register = (): Promise<void> => {
    const isDoubtful = (): boolean => lostLogouts > 0;
    const entry: Registered = { tenant, user, device: name, address, isDoubtful, asked: scheduler.now() };
    history.registered.push(entry);
    registration = entry;
    for (const other of history.registered)
      if (other !== entry && other.tenant === tenant && other.address === address) other.endAsked ??= entry.asked;
    return begin(async () => {
      // Logged out meanwhile: the app does not say again what is no longer so.
      if (registration !== entry) return true;
      const body = {
        platform: 'ios',
        push: { kind: 'apns', value: address, app: `example.chorus.${tenant}`, environment: 'production' },
        locale: 'en',
        appVersion: '1.0',
      };
      const of = { route: 'PUT /v1/devices/{deviceId}', params: { deviceId: name }, body };
      const answer = await persist('register', of, [], ({ status }) => status === 200);
      if (answer?.status !== 200) return answer !== undefined;
      entry.from = scheduler.now();
      for (const other of history.registered)
        if (
          other !== entry &&
          other.tenant === tenant &&
          other.address === address &&
          (other.from ?? entry.from) < entry.asked
        )
          other.until ??= entry.from;
      return true;
    });
  };
  const logout = async (): Promise<void> => {
    const entry = registration;
    registration = undefined;
    if (entry) entry.endAsked ??= scheduler.now();
    leave();
    await begin(async () => {
      if (registration) return true;
      const of = { route: 'DELETE /v1/devices/{deviceId}', params: { deviceId: name } };
      const answer = await persist(
        'logout',
        of,
        [],
        ({ status }) => status === 204,
        () => {
          lostLogouts++;
        },
      );
      if (answer?.status !== 204) return answer !== undefined;
      if (entry) entry.until ??= scheduler.now();
      return true;
    });
  };

  const wish = () => ({ tenant, user, attempts: [] as Told[], asked: scheduler.now() });
  const feel = (about: string, type: Felt['type']): Promise<void> => {
    const felt: Felt = { ...wish(), about, type, key: `${name}-${++keys}` };
    history.felt.push(felt);
    return begin(async () => {
      const { good, refused, ...of } = howTo(type);
      const asked = { ...of, params: { userId: about }, key: felt.key };
      const expected = ({ status }: { status: number }) => [good, ...refused].some((each) => each === status);
      const answer = await persist(`${type} ${about}`, asked, felt.attempts, expected);
      felt.over = scheduler.now();
      if (answer?.status === good) felt.from ??= felt.over;
      if (answer?.status === 200) felt.answer = Reacted.parse(answer.body);
      return answer !== undefined;
    });
  };
  const send = (id: string, text: string): Promise<void> => {
    const key = `${name}-${++keys}`;
    const after = replica.streams.get(`conversation/${id}`)?.v ?? 0;
    const sent: Sent = { tenant, user, device: name, conversation: id, key, text, attempts: [] };
    history.sent.push(sent);
    return begin(async () => {
      const of = {
        route: 'POST /v1/conversations/{conversationId}/messages',
        params: { conversationId: id },
        body: { text, after },
        key,
      };
      const answer = await persist(`send ${key}`, of, sent.attempts, isSentOrOver);
      if (answer?.status !== 201) return answer !== undefined;
      const { version, number } = Sending.parse(answer.body);
      if (sent.answer && (sent.answer.version !== version || sent.answer.number !== number))
        cloud.violation(`dedupe: ${me} ${key} was answered with ${sent.answer.version} and ${version}`);
      sent.answer ??= { version, number };
      return true;
    });
  };
  const read = async (id: string, upTo: number): Promise<void> => {
    const of = { route: 'PUT /v1/conversations/{conversationId}/read', params: { conversationId: id }, body: { upTo } };
    const entry = { tenant, user, conversation: id, upTo, told: 'unknown' as Told };
    history.read.push(entry);
    await begin(async () => {
      const answer = await persist(`read ${upTo}`, of, [], ({ status }) => status === 200);
      if (answer?.status === 200) entry.told = 'done';
      return answer !== undefined;
    });
  };

  const mute = async (id: string, until: string | undefined): Promise<void> => {
    const route = `${until === undefined ? 'DELETE' : 'PUT'} /v1/conversations/{conversationId}/mute`;
    const of = { route, params: { conversationId: id }, ...(until === undefined ? {} : { body: { until } }) };
    const entry: Muted = { ...wish(), conversation: id, until, told: 'unknown' };
    history.muted.push(entry);
    await begin(async () => {
      const answer = await persist(`mute ${until}`, of, entry.attempts, ({ status }) => status === 200);
      entry.over = scheduler.now();
      if (answer?.status === 200) Object.assign(entry, { told: 'done', from: entry.from ?? entry.over });
      return answer !== undefined;
    });
  };
  const prefer = async (preferences: Preferences): Promise<void> => {
    const entry: Preferred = { ...wish(), preferences };
    history.preferred.push(entry);
    preferred = entry;
    await begin(async () => {
      // What was wished since is all that counts.
      if (preferred !== entry) return true;
      const of = { route: 'PUT /v1/preferences', body: preferences };
      const answer = await persist('prefer', of, entry.attempts, ({ status }) => status === 200);
      entry.over = scheduler.now();
      if (answer?.status === 200) entry.from ??= entry.over;
      return answer !== undefined;
    });
  };

  /** Reconnects, and believes nothing until a pong says that it has everything. */
  const settle = async (): Promise<string | undefined> => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const work of [...outbox]) await work();
      const socket = connection === undefined ? undefined : sockets.connection(connection);
      // A ping that nobody answers: the app takes its socket for dead.
      if (socket?.server !== 'open' || socket.halfOpen) {
        leave();
        await connect();
      }
      if (!(await sync())) continue;
      ping();
      await scheduler.wait(3000, `${me} waits for a pong`);
      const own = sumsOf(replica);
      if (
        outbox.size === 0 &&
        pong &&
        pong.versions === own.versions &&
        pong.streams === own.streams &&
        pong.registers === own.registers
      )
        return undefined;
    }
    return `settle: ${me} has ${JSON.stringify(sumsOf(replica))} and is told ${JSON.stringify(pong)}; ${outbox.size} undone`;
  };

  return {
    ...{ tenant, user, name, replica, register, logout, sync, connect, leave, ping, settle },
    ...{ feel, send, read, mute, prefer },
    connection: () => connection,
  };
};
