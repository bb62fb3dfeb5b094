/** GET /v1/blocks?after=&limit= — whom one blocks. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { Limit } from '../../core/page.ts';
import { Block, readBlocks } from './blocks.ts';

export const handler = http(
  {
    limit: 'reads',
    query: z.strictObject({ after: UserId.optional(), limit: Limit(50, 100) }),
    output: z.strictObject({ blocks: z.array(Block), more: z.boolean() }),
  },
  ({ actor, query }, deps) => readBlocks(deps, actor, query),
);
