/**
 * A process is one invocation of a function: it can be killed between any two calls to the outside, and it can freeze
 * once it has answered, as Lambda's sandboxes do. Product code finds its process by async context, so that the real
 * handlers run as they are.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ports } from '../../core/deps.ts';
import type { Log } from '../../core/log.ts';
import { providers } from '../../functions/push/providers.ts';
import type { Doors } from './doors.ts';

export type Process = {
  /** Stable: the same process has the same name in another run of the same seed. */
  name: string;
  functionId: string;
  /** Whose keys it may touch. */
  tenants: ReadonlySet<string>;
  alive: boolean;
  frozenUntil: number;
  /** Calls to the outside so far. */
  calls: number;
  /** How wrong its clock is. */
  skewMs: number;
  /** Ends it here and now: nothing of it happens any more. */
  die: (why: string) => void;
  doors: Doors;
};

const current = new AsyncLocalStorage<Process>();

export const runAs = <T>(process: Process, work: () => Promise<T>): Promise<T> => current.run(process, work);

const here = (): Process => {
  const process = current.getStore();
  if (!process) throw new Error('a call to the outside from no process of the simulation');
  return process;
};
const doors = (): Doors => here().doors;

const quiet: Log = (entry) => doors().log(here(), entry);

/** Product code reaches the outside through these for the rest of this thread's life. */
export const installPorts = (): void => {
  Object.assign(ports, {
    send: (command) => doors().send(here(), command),
    sockets: {
      post: (id, frame) => doors().post(here(), id, frame),
      close: (id) => doors().close(here(), id),
    },
    enqueue: (url, job, delay) => doors().enqueue(here(), url, job, delay),
    bucket: {
      put: (key, text) => doors().bucket(here(), `put ${key}`, (bucket) => bucket.put(key, text)),
      get: (key) => doors().bucket(here(), `get ${key}`, (bucket) => bucket.get(key)),
      remove: (key) => doors().bucket(here(), `remove ${key}`, (bucket) => bucket.remove(key)),
      list: (prefix, page) => doors().bucket(here(), `list ${prefix}`, (bucket) => bucket.list(prefix, page)),
    },
    exported: {
      put: (key, text) => doors().bucket(here(), `put exports/${key}`, (bucket) => bucket.put(`exports/${key}`, text)),
      get: (key) => doors().bucket(here(), `get exports/${key}`, (bucket) => bucket.get(`exports/${key}`)),
      remove: (key) => doors().bucket(here(), `remove exports/${key}`, (bucket) => bucket.remove(`exports/${key}`)),
      list: (prefix, page) =>
        doors().bucket(here(), `list exports/${prefix}`, async (bucket) => {
          const after = page.after === undefined ? {} : { after: `exports/${page.after}` };
          const { objects, more } = await bucket.list(`exports/${prefix}`, { ...page, ...after });
          return { objects: objects.map((each) => ({ ...each, key: each.key.slice('exports/'.length) })), more };
        }),
    },
    archive: {
      add: (key, text) =>
        doors().bucket(here(), `add ${key}`, async (bucket) => {
          const isFree = (await bucket.get(key)) === undefined;
          if (isFree) await bucket.put(key, text);
          return isFree;
        }),
      get: (key) => doors().bucket(here(), `get ${key}`, (bucket) => bucket.get(key)),
      hide: (key) => doors().bucket(here(), `hide ${key}`, (bucket) => bucket.remove(key)),
      list: (prefix, page) => doors().bucket(here(), `list ${prefix}`, (bucket) => bucket.list(prefix, page)),
    },
    invoke: (arn, event) => doors().invoke(here(), arn, event),
    now: () => doors().now(here()),
    random: { id: () => doors().id(), unit: () => doors().unit() },
    sleep: (ms) => doors().sleep(here(), ms),
    log: quiet,
  } satisfies typeof ports);
  const push: (typeof providers)['apns'] = (_, { tenant }, notification) => doors().push(here(), tenant, notification);
  const every = { apns: push, 'apns-live-activity': push, 'fcm-token': push, 'fcm-fid': push };
  Object.assign(providers, every satisfies typeof providers);
};
