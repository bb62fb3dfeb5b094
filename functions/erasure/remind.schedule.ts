/** Every quarter of an hour: erasures that are due get a job, whatever became of the one before. */
import type { Context, ScheduledEvent } from 'aws-lambda';
import type { Deps } from '../../core/deps.ts';
import { invocation } from '../../core/edge.ts';
import { allTenants } from '../../core/env.ts';
import { enqueueErasure } from './erase.ts';
import { isDue, readErasures } from './open.ts';

const remind = async (deps: Deps): Promise<void> => {
  for (const { tenant } of allTenants().values())
    for (const erasure of await readErasures(deps, tenant))
      if (isDue(deps, erasure)) await enqueueErasure(deps, { tenant, user: erasure.user });
};

export const handler = (_event: Pick<ScheduledEvent, 'time'>, context: Context): Promise<void> =>
  invocation(context, remind);
