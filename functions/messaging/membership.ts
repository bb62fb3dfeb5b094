/** Who may see a conversation: its members, by its own newest state. To all others it does not exist. */
import type { Deps } from '../../core/deps.ts';
import type { Actor, ConversationId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { load } from '../../core/load.ts';
import { problems } from '../../core/problem.ts';
import { type ConversationState, conversation, membersOf } from './conversation.ts';

export const conversationStream = ({ tenant }: Pick<Actor, 'tenant'>, id: ConversationId): Stream => ({
  tenant,
  kind: 'conversation',
  id,
});

/** @throws Problem `not-found` for who is not a member, and for a conversation that does not exist: the same bytes */
export const loadAsMember = async (
  deps: Deps,
  actor: Actor,
  id: ConversationId,
): Promise<{ stream: Stream; v: number; state: ConversationState }> => {
  const stream = conversationStream(actor, id);
  const { v, state } = await load(deps, conversation, stream);
  if (!membersOf(state).includes(actor.user)) throw problems.notFound();
  return { stream, v, state };
};
