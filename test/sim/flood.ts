/**
 * Somebody asks for more than they may, from many processes at once. Never is more granted than the limit; nor less, where
 * nothing goes wrong. Calls that the database did not answer pass unless the limit fails closed, and say so in the log.
 */
import type { Tenant } from '../../core/tenants.ts';
import { roomy } from '../../local/tenants.ts';
import type { Cloud } from './cloud.ts';
import { createDice } from './random.ts';

const BURST = 4;
const ROUNDS = 2;
const PAUSE_MS = 5000;
const USER = 'ned';

/** Nobody else reaches a limit; and no clock is wrong by so much that a token came back. */
export const simulatedLimits: Tenant['limits'] = { ...roomy, presence: { burst: BURST, everySeconds: 3600 } };

const answers = [200, 429, 502, 503];

/** In some runs: at other times than everything else, so that faults meet it in every state. */
export const flood = async (cloud: Cloud, seed: number): Promise<void> => {
  const [tenant = ''] = cloud.tenants;
  const dice = createDice(seed, 'flood');
  if (!dice.chance(0.3)) return;
  const statuses: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await cloud.scheduler.wait(dice.below(PAUSE_MS), `${USER} pauses`);
    const asked = Array.from({ length: 2 * BURST }, (_, i) =>
      cloud.functions.http(
        `${tenant}/${USER} asks ${round}.${i}`,
        { tenant, user: USER },
        { route: 'GET /v1/presence', query: { users: 'ada' } },
      ),
    );
    for (const { status, body } of await Promise.all(asked)) {
      statuses.push(status);
      const { retryAfter = 0 } = (body ?? {}) as { retryAfter?: number };
      if (!answers.includes(status) || (status === 429 && retryAfter < 1))
        cloud.violation(`limit: ${USER} is answered ${status} ${JSON.stringify(body)}`);
    }
  }
  const open = cloud.logs.filter(({ entry }) => entry.msg === 'limit unknown' && entry.user === USER).length;
  const granted = statuses.filter((status) => status === 200).length;
  const { rate, skewMs } = cloud.faults.profile;
  if (granted - open > BURST || (rate === 0 && skewMs === 0 && granted !== BURST))
    cloud.violation(`limit: ${USER} was granted ${granted} of ${BURST}, ${open} of them without an answer`);
};
