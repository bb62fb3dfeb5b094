/** Repairing what follows from a stream: its receipts, what it caused elsewhere, its members' pointers and marks. */
import { isRefused } from '../core/ddb.ts';
import { deliver } from '../core/deliver.ts';
import { receiptKey, type Stream } from '../core/keys.ts';
import { raiseRegister, readMark } from '../core/pointers.ts';
import { tellRead } from '../core/registers.ts';
import { react } from '../functions/reactions.ts';
import { missingSteps } from './consequences.ts';
import { type Lags, lookAtMembers } from './members.ts';
import { type Mend, surely } from './mend.ts';
import type { Receipt, Summary } from './streams.ts';

/** @param was the version that it names by mistake */
const putReceipt = async ({ deps }: Mend, stream: Stream, { command, v }: Receipt, was?: number): Promise<boolean> => {
  const result = await deps.ddb.put({
    TableName: deps.env.EVENTS_TABLE,
    Item: { ...receiptKey(stream, command), v },
    ConditionExpression: was === undefined ? 'attribute_not_exists(#v)' : '#v = :was',
    ExpressionAttributeNames: { '#v': 'v' },
    ...(was === undefined ? {} : { ExpressionAttributeValues: { ':was': was } }),
  });
  return !isRefused(result);
};

/** While it is there, no transaction can put the commit that it speaks of. */
const removeReceipt = async ({ deps }: Mend, stream: Stream, { command, v }: Receipt): Promise<boolean> => {
  const reasons = await deps.ddb.transact([
    {
      Delete: {
        TableName: deps.env.EVENTS_TABLE,
        Key: receiptKey(stream, command),
        ConditionExpression: '#v = :v',
        ExpressionAttributeNames: { '#v': 'v' },
        ExpressionAttributeValues: { ':v': v },
      },
    },
  ]);
  return reasons === undefined;
};

/** All receipts come before any reaction, which believes them. */
export const mendReceipts = async (mend: Mend, { stream, receipts }: Summary): Promise<void> => {
  const untrue = new Map(receipts.untrue.map(({ command, v }) => [command, v]));
  for (const receipt of receipts.missing) {
    await mend.mend('receiptsPut', () => putReceipt(mend, stream, receipt, untrue.get(receipt.command)));
    untrue.delete(receipt.command);
  }
  for (const [command, v] of untrue)
    await mend.mend('receiptsRemoved', () => removeReceipt(mend, stream, { command, v }));
};

export const mendReactions = async (mend: Mend, summary: Summary): Promise<void> => {
  for (const commit of summary.causes) {
    const missing = await missingSteps(mend.deps, { stream: summary.stream, causes: [commit] });
    if (missing.length > 0) await mend.mend('reactions', () => react(mend.deps, summary.stream, commit));
  }
};

const ROUNDS = 6;
const PAUSE_MS = 250;

const count = (mend: Mend, { pointers, marks }: Lags): void => {
  mend.report.changed.pointersMoved += pointers.length;
  mend.report.changed.marksRaised += marks.length;
};

const catchUp = async (mend: Mend, stream: Stream, { head, pointers, marks, members }: Lags): Promise<void> => {
  if (pointers.length > 0) await deliver(mend.deps, stream, head);
  for (const { person, of, to } of marks)
    if (of === 'read') await raiseRegister(mend.deps, person, stream, readMark, to);
  const behind = new Set(marks.map(({ of }) => of));
  for (const { person, pointer } of members) if (pointer && behind.has(person)) await tellRead(mend.deps, pointer);
};

/**
 * Brings a stream's members up to its head. Delivery reads pointers as they were a moment ago, so it is looked at
 * afterwards, consistently, whether they are there.
 * @throws when they never get there
 */
export const mendMembers = async (mend: Mend, summary: Summary): Promise<void> => {
  let lags = await lookAtMembers(mend.deps, summary);
  for (let round = 0; lags && lags.pointers.length + lags.marks.length > 0; round++) {
    if (round === 0) count(mend, lags);
    if (mend.dryRun) return;
    if (round === ROUNDS) throw new Error('its members do not come up to it');
    if (round > 0) await mend.deps.sleep(PAUSE_MS);
    const from = lags;
    await surely(mend.deps, () => catchUp(mend, summary.stream, from));
    lags = await lookAtMembers(mend.deps, summary);
  }
};
