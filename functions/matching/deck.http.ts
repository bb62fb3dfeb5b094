/** GET /v1/deck?limit= — people whom one may like. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { Limit } from '../../core/page.ts';
import { Deck, deckOf } from './deck.ts';

export const handler = http(
  {
    query: z.strictObject({ limit: Limit(20, 50) }),
    output: Deck,
    limit: 'deck',
    refusals: {
      'no-profile': { status: 409, detail: 'Say first who you are: PUT /v1/me.' },
      'no-place': { status: 409, detail: 'Say first where you are: `place` of PUT /v1/me.', field: 'place' },
    },
  },
  ({ query, actor }, deps) => deckOf(deps, actor, query.limit),
);
