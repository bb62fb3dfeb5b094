/**
 * Inbox stream: a read mark that moved is told to the other members, and a mute to the person's own devices, whoever may have
 * told them before.
 */
import { sendInbox } from '../../core/deliver.ts';
import { parsePointer } from '../../core/pointers.ts';
import { tellRead } from '../../core/registers.ts';
import { stream } from '../../core/stream.ts';

export const handler = stream('sync/registers', async ({ before, after }, deps) => {
  if (!before || !after) return;
  const [old, now] = [parsePointer(before), parsePointer(after)];
  // One's own message moves the read mark too; that is told by the message itself.
  if (now.read > old.read && now.v === old.v) await tellRead(deps, now);
  if (now.mutes > old.mutes) await sendInbox(deps, now);
});
