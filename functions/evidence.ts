/** What is reported, looked up where it stands: a root file, since contexts do not know each other. */
import type { Deps } from '../core/deps.ts';
import { tenantOf } from '../core/env.ts';
import { readNewest, readRange } from '../core/events.ts';
import type { Actor, UserId } from '../core/ids.ts';
import { type Stream, streamKinds } from '../core/keys.ts';
import { problems } from '../core/problem.ts';
import { loadAsMember } from './messaging/membership.ts';
import { messagesOf } from './messaging/message.ts';
import { publicOf, readProfile } from './profiles.ts';
import type { Evidence, Subject } from './safety/evidence.ts';

type Reported<T> = Extract<Subject, { type: T }>;

/** Members alone know it, also of a conversation that has ended; also what moderators have hidden is as it was written. */
const message = async (
  deps: Deps,
  actor: Actor,
  { conversationId, messageId, version }: Reported<'message'>,
): Promise<Evidence> => {
  const { stream, v } = await loadAsMember(deps, actor, conversationId);
  const commits = version > v ? [] : await readRange(deps, stream, { from: version, to: version, limit: 1 });
  const found = commits.flatMap((commit) => messagesOf(conversationId, commit)).find(({ id }) => id === messageId);
  if (!found) throw problems.notFound();
  const { by, text, at } = found;
  return { type: 'message', conversation: conversationId, message: messageId, version, by, text, at };
};

/** Of these one begins as soon as somebody is here at all. */
const OWN = ['person', 'profile'];

/** Whose streams are empty was never here. */
const isSomebody = async (deps: Deps, { tenant }: Actor, id: UserId): Promise<boolean> => {
  const streams = streamKinds.filter((kind) => OWN.includes(kind)).map((kind): Stream => ({ tenant, kind, id }));
  return (await Promise.all(streams.map((stream) => readNewest(deps, stream, 1)))).some(([head]) => head !== undefined);
};

const user = async (deps: Deps, actor: Actor, { userId }: Reported<'user'>): Promise<Evidence> => {
  if (userId !== actor.user && !(await isSomebody(deps, actor, userId))) throw problems.notFound();
  const { tenant } = actor;
  const said = await readProfile(deps, { tenant, user: userId }, { consistent: true });
  const profile = said && publicOf(userId, said.profile, tenantOf(tenant).profile, deps.now());
  return { type: 'user', user: userId, ...(profile && { profile }) };
};

/** A copy of it. @throws Problem `not-found` for what is not the caller's to see */
export const evidenceOf = (deps: Deps, actor: Actor, subject: Subject): Promise<Evidence> =>
  subject.type === 'user' ? user(deps, actor, subject) : message(deps, actor, subject);
