/** Repairing pointers that say more than the events do, and leading their devices to start anew. */
import { type Item, isRefused } from '../core/ddb.ts';
import { readDevices } from '../core/devices.ts';
import { type Key, parsePersonKey, pointerKey } from '../core/keys.ts';
import { errorName } from '../core/log.ts';
import { readPointers } from '../core/pointers.ts';
import { eraOf, isLevel, startEra, takeBack } from '../core/takeback.ts';
import { keyOf } from './consequences.ts';
import { blankOf, levelOf, pointerOf } from './levels.ts';
import type { Mend } from './mend.ts';
import type { Gather } from './walk.ts';

/** All rows of one person. */
export type Inbox = { pk: string; rows: Item[] };
export const gatherInbox = (pk: string): Gather<Inbox> => {
  const rows: Item[] = [];
  return { add: (item) => void rows.push(item), end: () => ({ pk, rows }) };
};

const ROUNDS = 10;

const read = ({ deps }: Mend, { pk, sk }: Key): Promise<Item | undefined> =>
  deps.ddb.get({ TableName: deps.env.INBOX_TABLE, Key: { pk, sk }, ConsistentRead: true });

/** A row that nobody can read hides all others of its person. */
const replace = async ({ deps }: Mend, item: Item, era: number): Promise<void> => {
  const TableName = deps.env.INBOX_TABLE;
  const blank = blankOf(item, { at: deps.now().toISOString(), era });
  if (blank) await deps.ddb.put({ TableName, Item: blank });
  else await deps.ddb.transact([{ Delete: { TableName, Key: keyOf(item) } }]);
};

/** Later than all that the person's pointers name, also when clocks do not agree. */
const nextEra = ({ deps }: Mend, { rows }: Inbox): number =>
  Math.max(deps.now().getTime(), eraOf(rows.flatMap((row) => pointerOf(row) ?? [])) + 1);

/** @returns whether anything that devices know went down */
const mendPointer = async (mend: Mend, given: Item, era: number): Promise<boolean> => {
  let item: Item | undefined = given;
  for (let round = 0; item && round < ROUNDS; round++) {
    const now: Item = item;
    const pointer = pointerOf(now);
    if (!pointer) {
      await mend.mend('pointersReplaced', () => replace(mend, now, era));
      return true;
    }
    const level = await levelOf(mend.deps, pointer);
    if (!level || isLevel(pointer, level)) return round > 0;
    if (round === 0) await mend.mend('pointersTakenBack', async () => undefined);
    if (mend.dryRun) return true;
    await takeBack(mend.deps, pointer, { level, era });
    item = await read(mend, keyOf(now));
  }
  if (item) throw new Error('it does not come down');
  return true;
};

/** Who is connected reconnects, syncs, and hears that it has to start anew. */
const closeConnections = async ({ deps }: Mend, pk: string): Promise<void> => {
  const person = parsePersonKey(pk);
  for (const { connection } of person ? await readDevices(deps, person.tenant, person.user) : []) {
    if (!connection) continue;
    try {
      await deps.sockets.close(connection.id);
    } catch (error) {
      deps.log({ level: 'warn', msg: 'close failed', connectionId: connection.id, error: errorName(error) });
    }
  }
};

export const mendInbox = async (mend: Mend, inbox: Inbox): Promise<void> => {
  const { pk, rows } = inbox;
  let isDown = false;
  let failed: { error: unknown } | undefined;
  for (const row of rows) {
    try {
      if (await mendPointer(mend, row, nextEra(mend, inbox))) isDown = true;
    } catch (error) {
      failed = { error };
    }
  }
  if (isDown && !mend.dryRun) await closeConnections(mend, pk);
  if (failed) throw failed.error;
};

/** One era more for a person, once for each restore. */
export const beginEra = async (mend: Mend, inbox: Inbox, restored: string): Promise<void> => {
  const { pk, rows } = inbox;
  const [first] = rows.flatMap((row) => pointerOf(row) ?? []);
  if (!first || rows.some((row) => row.restored === restored)) return;
  await mend.mend('devicesStartAnew', () => startEra(mend.deps, first, { restored, era: nextEra(mend, inbox) }));
  if (!mend.dryRun) await closeConnections(mend, pk);
};

/**
 * The same for who has devices and no stream left: what their devices hold may come again under the same versions. The era
 * stands in a pointer at 0, which is none to anybody else.
 */
export const beginEraWithoutStreams = async (mend: Mend, pk: string, restored: string): Promise<void> => {
  const { deps } = mend;
  const owner = parsePersonKey(pk);
  if (!owner || (await readPointers(deps, owner)).length > 0) return;
  const key = pointerKey(owner.user, { tenant: owner.tenant, kind: 'person', id: owner.user });
  const now = deps.now();
  const Item = { ...blankOf(key, { at: now.toISOString(), era: now.getTime() }), restored };
  const put = { TableName: deps.env.INBOX_TABLE, Item, ConditionExpression: 'attribute_not_exists(#pk)' };
  await mend.mend(
    'devicesStartAnew',
    async () => !isRefused(await deps.ddb.put({ ...put, ExpressionAttributeNames: { '#pk': 'pk' } })),
  );
  if (!mend.dryRun) await closeConnections(mend, pk);
};
