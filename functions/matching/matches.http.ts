/** GET /v1/matches?after=&limit= — the people one matched with. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { Limit } from '../../core/page.ts';
import { Match, readMatches } from './matches.ts';

export const handler = http(
  {
    limit: 'reads',
    query: z.strictObject({ after: UserId.optional(), limit: Limit(50, 100) }),
    output: z.strictObject({ matches: z.array(Match), more: z.boolean() }),
  },
  ({ actor, query }, deps) => readMatches(deps, actor, query),
);
