/** HTTP as an app on a phone has it: requests and answers are lost, and what matters is asked again. */
import type { Cloud } from './cloud.ts';
import type { HttpAnswer, HttpRequest } from './functions.ts';
import type { Told } from './history.ts';

const PATIENCE = 12;
const PAUSE_MS = 300;

/** What an answer says of what was asked. */
export const told = (answer: HttpAnswer | 'lost'): Told => {
  if (answer === 'lost' || answer.status === 502 || answer.status === 500) return 'unknown';
  if (answer.status < 300) return 'done';
  return answer.status === 503 && codeOf(answer) === 'outcome-unknown' ? 'unknown' : 'nothing';
};
const codeOf = ({ body }: HttpAnswer): string => String((body as { code?: unknown } | undefined)?.code);

type Who = { tenant: string; user: string; name: string };

/** @param onRestore told when an answer speaks of something that a restore took away */
export const createClient = (cloud: Cloud, { tenant, user, name }: Who, onRestore: () => void) => {
  const { scheduler, faults, dice, functions } = cloud;
  const me = `${tenant}/${user}/${name}`;
  let requests = 0;
  const pause = (ms: number): Promise<void> => scheduler.wait(dice.below(ms), `${me} waits`);
  const travel = (what: string): Promise<void> => new Promise((run) => scheduler.soon({ what, run }));

  /** Who is suspended for a while tries later: nothing was done. */
  const excluded = (answer: HttpAnswer): HttpAnswer =>
    cloud.moderated && answer.status === 403 ? { ...answer, status: 503 } : answer;

  /** One request over a network that may lose it or its answer. */
  const request = async (what: string, of: HttpRequest): Promise<HttpAnswer | 'lost'> => {
    const at = `${me} ${++requests} ${what}`;
    const fault = faults.decide(at, ['lost before', 'lost after', 'quit']);
    await travel(at);
    if (fault === 'lost before') return 'lost';
    const answer = functions.http(at, { tenant, user }, of);
    if (fault) {
      // It runs on over there; here nobody hears.
      answer.catch(() => undefined);
      return 'lost';
    }
    const heard = excluded(await answer);
    await travel(`${at} ${heard.status}`);
    return heard;
  };
  /** After a restore a device learns only by and by that what it has is no more. */
  const isOfTheRestore = (code: string): boolean =>
    cloud.restoring.past && ['after-unknown', 'not-found', 'never-sent', 'read-ahead'].includes(code);
  const unexpected = (what: string, answer: HttpAnswer): void =>
    isOfTheRestore(codeOf(answer))
      ? onRestore()
      : cloud.violation(`answer: ${me} ${what}: ${answer.status} ${JSON.stringify(answer.body)}`);

  /** Asks until it is answered, or patience ends; what is left undone waits for `settle`. */
  const persist = async (
    what: string,
    of: HttpRequest,
    attempts: Told[],
    expected: (answer: HttpAnswer) => boolean,
    onLost: () => void = () => undefined,
  ): Promise<HttpAnswer | undefined> => {
    for (let tries = 0; tries < PATIENCE; tries++) {
      if (tries > 0) await pause(PAUSE_MS * 2 ** Math.min(tries, 5));
      const answer = await request(what, of);
      const outcome = told(answer);
      attempts.push(outcome);
      if (answer === 'lost') onLost();
      // Told that surely nothing was written, some let it be: then nothing may be there.
      if (answer !== 'lost' && outcome === 'nothing' && answer.status === 503 && dice.chance(0.3)) return answer;
      if (answer === 'lost' || outcome === 'unknown' || answer.status === 503) continue;
      if (!expected(answer)) unexpected(what, answer);
      return answer;
    }
    return undefined;
  };
  return { request, persist, unexpected, isOfTheRestore };
};
