/** Somebody comes, writes to one of the people, and leaves for ever: by the real eraser, which takes their words out of the stream. */
import fc from 'fast-check';
import { isRejection } from '../../../core/decider.ts';
import { ring } from '../../../core/deliver.ts';
import { execute } from '../../../core/execute.ts';
import { digest, TenantId, UserId } from '../../../core/ids.ts';
import type { Stream } from '../../../core/keys.ts';
import { beginErasure, eraseSome } from '../../../functions/erasure/erase.ts';
import { conversation } from '../../../functions/messaging/conversation.ts';
import type { Little } from './little.ts';

const tenant = TenantId.parse('demo');

export const LeaverActs = fc.record({
  ...{
    do: fc.constant('leave' as const),
    to: fc.constantFrom(...['ada', 'ben', 'cleo'].map((name) => UserId.parse(name))),
  },
  times: fc.integer({ min: 1, max: 3 }),
});
type LeaverAct = typeof LeaverActs extends fc.Arbitrary<infer T> ? T : never;

export const performLeaver = async (
  { deps: make, dies, next }: Little & { next: () => number },
  { to, times }: LeaverAct,
): Promise<void> => {
  const user = UserId.parse(`leaver-${next()}`);
  const stream: Stream = { tenant, kind: 'conversation', id: `cnv_${digest('leaving', user)}` };
  const [deps, at] = [make(), make().now().toISOString()];
  const open = { type: 'Open' as const, members: [to, user], at };
  await execute(deps, conversation, { stream, command: open, id: 'open', dedupe: 'state' });
  for (let n = 1; n <= times; n++) {
    const command = { type: 'Send' as const, id: `msg_${n}`, by: user, text: `I am leaving, ${n}`, at };
    const done = await execute(deps, conversation, { stream, command, by: user, id: `key-${n}`, dedupe: { after: n } });
    if (!isRejection(done) && done.commit && !dies()) await ring(deps, stream, done.commit);
  }
  await beginErasure(deps, { tenant, user });
  await eraseSome(make(), { tenant, user });
};
