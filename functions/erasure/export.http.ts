/** POST /v1/me/export — asks for an archive of what there is of oneself; one that is being made is the answer too. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { firstJob } from './collect.ts';
import { askForExport } from './exports.ts';

export const handler = http(
  {
    output: z.strictObject({ state: z.enum(['asked', 'ready']), asked: z.iso.datetime() }),
    status: 202,
    inAnyStanding: true,
    limit: 'exports',
  },
  async ({ actor }, deps) => {
    const { row } = await askForExport(deps, actor);
    // Also for one that was asked for before: its job may have been lost.
    await deps.enqueue(deps.env.EXPORT_QUEUE_URL, firstJob(actor, row.id), 0);
    return { state: row.state, asked: row.asked };
  },
);
