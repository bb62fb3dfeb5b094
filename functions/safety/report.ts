/** Reporting: what is reported is copied into the case of the person whom it is about. */
import { isRejection, type Rejection, reject } from '../../core/decider.ts';
import type { Deps } from '../../core/deps.ts';
import { readRange, readReceipt } from '../../core/events.ts';
import { commandName, execute } from '../../core/execute.ts';
import { type Actor, digest } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { raiseRow } from '../../core/views.ts';
import { CaseEvent, theCase } from './case.ts';
import { casesView } from './cases.ts';
import { aboutOf, type Evidence, isOf, type Subject } from './evidence.ts';

export type Said = { subject: Subject; reason: string; text?: string | undefined };
type Reporting = { actor: Actor; said: Said; evidence: Evidence; id: string };

/** It says nothing of the case: who reports learns nothing of others' reports. */
const idOf = ({ tenant, user }: Actor, id: string): string => `rep_${digest('report', tenant, user, id)}`;

/**
 * Was it reported before under this name? By what was said, and not by the evidence, which may have changed since.
 * @throws Problem `idempotency-key-reused`
 */
const isRepeated = async (deps: Deps, stream: Stream, { actor, said, id }: Reporting): Promise<boolean> => {
  const v = await readReceipt(deps, stream, commandName({ id, by: actor.user }));
  const [commit] = v === undefined ? [] : await readRange(deps, stream, { from: v, to: v, limit: 1 });
  const event = commit?.events.map((each) => CaseEvent.parse(each))[0];
  if (event?.type !== 'Reported' || event.by !== actor.user) return false;
  if (event.reason !== said.reason || event.text !== said.text || !isOf(event.evidence, said.subject))
    throw problems.commandReused();
  return true;
};

export const report = async (deps: Deps, reporting: Reporting): Promise<{ reportId: string } | Rejection<'self'>> => {
  const { actor, said, evidence, id } = reporting;
  const person = aboutOf(evidence);
  const stream: Stream = { tenant: actor.tenant, kind: 'case', id: person };
  const reportId = idOf(actor, id);
  if (await isRepeated(deps, stream, reporting)) return { reportId };
  const { reason, text } = said;
  const at = deps.now().toISOString();
  const command = {
    type: 'Report' as const,
    person,
    by: actor.user,
    reason,
    ...(text !== undefined && { text }),
    evidence,
    at,
  };
  const done = await execute(deps, theCase, { stream, command, id, by: actor.user, dedupe: 'receipt' });
  if (isRejection(done)) return reject('self');
  if (done.commit) await Promise.all(casesView.changes(stream, done.commit).map((change) => raiseRow(deps, change)));
  return { reportId };
};
