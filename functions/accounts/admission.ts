/** How somebody stands whose token is good: said with the verdict, for the edge to heed. */
import type { Verdict } from '../../core/authorizer.ts';
import type { Deps } from '../../core/deps.ts';
import { errorName } from '../../core/log.ts';
import type { StandingReader } from '../../core/standing.ts';

/** Who can't be looked up is not let through: all that they could ask for needs the same database. */
export const admit = async (deps: Deps, standingOf: StandingReader, verdict: Verdict): Promise<Verdict> => {
  if ('refused' in verdict) return verdict;
  try {
    const { is, ...rest } = await standingOf(deps, verdict);
    return is === 'good' ? verdict : { ...verdict, standing: is, ...rest };
  } catch (error) {
    deps.log({ level: 'error', msg: 'standing unreadable', tenant: verdict.tenant, error: errorName(error) });
    return { refused: 'standing-unknown', detail: 'Nothing was done: the account can not be looked up right now.' };
  }
};
