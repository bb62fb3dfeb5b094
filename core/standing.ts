/**
 * How a person stands in an app: good, suspended until a moment, banned, or erased. The row that says so follows from events;
 * time alone ends a suspension. Every request reads it, so that it is remembered for some seconds in each process.
 */
import { z } from 'zod';
import type { Deps } from './deps.ts';
import { type Actor, Timestamp } from './ids.ts';
import { createLru } from './lru.ts';
import { Problem } from './problem.ts';
import { standingKey } from './safety-keys.ts';

export const Standing = z.discriminatedUnion('is', [
  z.object({ is: z.literal('good') }),
  z.object({ is: z.literal('suspended'), until: Timestamp }),
  z.object({ is: z.literal('banned') }),
  z.object({ is: z.literal('erased') }),
]);
export type Standing = z.infer<typeof Standing>;

const good: Standing = { is: 'good' };

/** What holds at a moment. */
export const standingAt = (standing: Standing | undefined, now: Date): Standing =>
  !standing || (standing.is === 'suspended' && Date.parse(standing.until) <= now.getTime()) ? good : standing;

type Reading = { consistent?: boolean };
type Rows = Pick<Deps, 'ddb' | 'env' | 'now'>;

/** By the row, half a read unit; a consistent read costs a whole one. Who has none was never judged. */
export const readStanding = async (
  { ddb, env, now }: Rows,
  { tenant, user }: Actor,
  { consistent = false }: Reading = {},
): Promise<Standing> => {
  const key = standingKey(tenant, user);
  const item = await ddb.get({ TableName: env.VIEWS_TABLE, Key: key, ConsistentRead: consistent });
  return item ? standingAt(Standing.parse(item), now()) : good;
};

/** So long a process believes what it read. */
export const STANDING_SECONDS = 5;
const REMEMBERED = 10_000;

export type StandingReader = (deps: Rows, actor: Actor) => Promise<Standing>;

/** Reads standings and remembers them, one memory for each. */
export const createStandingReader = (): StandingReader => {
  const memory = createLru<{ standing: Standing; until: number }>(REMEMBERED);
  return async (deps, actor) => {
    const { pk } = standingKey(actor.tenant, actor.user);
    const now = deps.now();
    const known = memory.get(pk);
    // The clock may have been set back.
    const left = known ? known.until - now.getTime() : 0;
    if (known && left > 0 && left <= STANDING_SECONDS * 1000) return standingAt(known.standing, now);
    const standing = await readStanding(deps, actor);
    memory.set(pk, { standing, until: now.getTime() + STANDING_SECONDS * 1000 });
    return standing;
  };
};

const KEPT = 'You can still log out, see what you bought, export your data and delete your account.';

/** What is said to who is not in good standing. */
export const refusalOf = (standing: Exclude<Standing, { is: 'good' }>): Problem => {
  switch (standing.is) {
    case 'suspended': {
      const detail = `This account is suspended until ${standing.until}; try again then. ${KEPT}`;
      return new Problem({ status: 403, code: 'suspended', detail, until: standing.until });
    }
    case 'banned': {
      const detail = `This account is banned. If you think that this is wrong, write to the app's support. ${KEPT}`;
      return new Problem({ status: 403, code: 'banned', detail });
    }
    case 'erased':
      return new Problem({
        status: 401,
        code: 'erased',
        detail: 'This account was deleted. Sign in with another one.',
      });
  }
};
