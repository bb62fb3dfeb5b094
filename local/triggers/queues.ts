/**
 * SQS and S3, by fauxqs in this process. Wired here from its parts instead of by its startFauxqs, which listens on every
 * network interface without a password.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { BuildAppOptions } from 'fauxqs';
import { assert } from '../../core/assert.ts';
import type { Model, QueueModel } from '../model.ts';
import { queueArn, region } from '../template/interpret.ts';
import { root } from '../template/template.ts';

type Stores = NonNullable<BuildAppOptions['stores']>;
export type Queue = ReturnType<Stores['sqsStore']['createQueue']>;

export type Queues = {
  origin: string;
  /** Makes the template's queues and buckets; those that are there keep what they hold. */
  ensure: (model: Pick<Model, 'queues' | 'buckets'>) => void;
  /** @throws Error for a name that was not ensured */
  queue: (name: string) => Queue;
  byArn: (arn: string) => Queue | undefined;
  putObject: (bucket: string, key: string, body: string) => Promise<void>;
  /** SQLite's `synchronous`, as the connection says that all writes go through: 2 waits for the disk. */
  synchronous: () => number;
  stop: () => Promise<void>;
};

type Persistence = NonNullable<Stores['sqsStore']['persistence']>;
/** The parts of the package that it does not export, of exactly the version that package.json pins. */
type Parts = {
  SqsStore: new () => Stores['sqsStore'];
  SnsStore: new () => Stores['snsStore'];
  S3Store: new () => Stores['s3Store'];
  PersistenceManager: new (folder: string) => Persistence;
};

const importParts = async (): Promise<Parts> => {
  const files = ['persistence.js', 'sqs/sqsStore.js', 'sns/snsStore.js', 's3/s3Store.js'];
  const folder = join(root, 'node_modules/fauxqs/dist');
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href)));
  return Object.assign({}, ...modules);
};

const FULL = 2;

/**
 * What was acknowledged is on the disk: a checkpoint that says "queued" must not outlive the message in a power cut. It is
 * SQLite's own default; said aloud and read back, because so much hangs on it.
 * @throws Error when this connection does not wait for the disk
 */
const waitForDisk = (persistence: object): (() => number) => {
  const { db } = persistence as { db: DatabaseSync };
  db.exec('PRAGMA synchronous = FULL');
  const read = (): number => Number(db.prepare('PRAGMA synchronous').get()?.synchronous);
  assert(read() === FULL, 'the queues wait for the disk');
  return read;
};

/** Persistence is attached after loading, else loading would write everything again. */
const openStores = async (folder: string) => {
  const { SqsStore, SnsStore, S3Store, PersistenceManager } = await importParts();
  const stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
  const persistence = new PersistenceManager(folder);
  const synchronous = waitForDisk(persistence);
  persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
  for (const store of Object.values(stores)) store.persistence = persistence;
  for (const queue of stores.sqsStore.allQueues()) queue.persistence = persistence;
  return { stores, persistence, synchronous };
};

const attributesOf = (model: Model['queues'], queue: QueueModel): Record<string, string> => {
  const { deadLetters, visibilitySeconds, retentionSeconds } = queue;
  const dead = deadLetters && model[deadLetters.queueId];
  const redrive = dead && { deadLetterTargetArn: queueArn(dead.name), maxReceiveCount: deadLetters.maxReceives };
  return {
    VisibilityTimeout: String(visibilitySeconds),
    MessageRetentionPeriod: String(retentionSeconds),
    RedrivePolicy: redrive ? JSON.stringify(redrive) : '',
  };
};

/**
 * Messages that a killed process was working on: on AWS they reappear after the visibility timeout, here nobody else can
 * be working on them. Never 0 seconds, for which fauxqs 2.4.1 breaks a rule of its own file and answers with an error.
 */
const soonSeconds = 0.05;
const releaseInFlight = (queue: Queue): void => {
  for (const handle of queue.inflightMessages.keys()) queue.changeVisibility(handle, soonSeconds);
};

/** Making a queue that is there would empty it. */
const ensureQueue = ({ sqsStore }: Stores, model: Model['queues'], queue: QueueModel, origin: string): void => {
  const { name } = queue;
  const existing = sqsStore.getQueueByName(name);
  const made = existing ?? sqsStore.createQueue(name, `${origin}/000000000000/${name}`, queueArn(name));
  made.setAttributes(attributesOf(model, queue));
  releaseInFlight(made);
};

/** @param data folder; the messages and objects are kept in fauxqs.db in it */
export const startQueues = async (data: string): Promise<Queues> => {
  const [{ buildApp }, { stores, persistence, synchronous }] = await Promise.all([import('fauxqs'), openStores(data)]);
  const app = buildApp({ logger: false, defaultRegion: region, stores });
  app.addHook('onClose', async () => persistence.close());
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    origin,
    ensure: (model) => {
      for (const queue of Object.values(model.queues)) ensureQueue(stores, model.queues, queue, origin);
      for (const { name } of Object.values(model.buckets)) stores.s3Store.createBucket(name);
    },
    queue: (name) => {
      const queue = stores.sqsStore.getQueueByName(name);
      if (!queue) throw new Error(`no queue ${name}`);
      return queue;
    },
    byArn: (arn) => stores.sqsStore.getQueueByArn(arn),
    putObject: async (bucket, key, body) => {
      stores.s3Store.putObject(bucket, key, Buffer.from(body), 'application/json');
    },
    synchronous,
    stop: async () => {
      await app.close();
    },
  };
};
