/** Every hour: what the stores signed and no webhook brought. The app that is furthest behind comes first. */
import type { Context, ScheduledEvent } from 'aws-lambda';
import type { Deps } from '../../core/deps.ts';
import { invocation } from '../../core/edge.ts';
import { allTenants } from '../../core/env.ts';
import { errorName } from '../../core/log.ts';
import { sourcesOf } from './appstore-source.ts';
import { type Checkpoint, isLost, readCheckpoint, reconcile, type Source } from './reconcile.ts';
import { StoreError } from './store-error.ts';

/** Within the function's own time. */
const RUN_MS = 200_000;
/** Then somebody should look. */
const LATE_MS = 6 * 3_600_000;

type Known = { source: Source; checkpoint: Checkpoint };

/** @returns whether a person must mend something */
const reconcileOne = async (deps: Deps, { source, checkpoint }: Known, deadline: number): Promise<boolean> => {
  const now = deps.now().getTime();
  const { tenant, store, environment } = source;
  const about = { tenant, store, environment };
  if (isLost(source, checkpoint, now)) deps.log({ level: 'error', msg: 'reconcile lost', ...about });
  try {
    const done = await reconcile(deps, source, deadline);
    const late = done.behind && deps.now().getTime() - done.until > LATE_MS;
    deps.log({ level: late ? 'error' : 'info', msg: late ? 'reconcile late' : 'reconciled', ...about, ...done });
    return late;
  } catch (error) {
    const waits = error instanceof StoreError && error.trouble.kind === 'later';
    const late = now - checkpoint.until > LATE_MS;
    deps.log({
      level: waits && !late ? 'warn' : 'error',
      msg: late ? 'reconcile late' : 'reconcile failed',
      ...about,
      error: errorName(error),
    });
    return !waits || late;
  }
};

/** @throws when some could not be done and time alone does not mend it, after all were tried: that is what the alarm hears */
export const reconcileAll = async (deps: Deps): Promise<void> => {
  const deadline = deps.now().getTime() + RUN_MS;
  const sources = [...allTenants().values()].flatMap((tenant) => sourcesOf(deps, tenant));
  const known = await Promise.all(
    sources.map(async (source) => ({ source, checkpoint: await readCheckpoint(deps, source) })),
  );
  known.sort((a, b) => a.checkpoint.until - b.checkpoint.until);
  let failed = 0;
  // Nobody's long history takes the time of all others.
  for (const [i, each] of known.entries()) {
    const now = deps.now().getTime();
    if (await reconcileOne(deps, each, now + Math.max(0, deadline - now) / (known.length - i))) failed++;
  }
  if (failed > 0) throw new Error(`${failed} of ${known.length} histories could not be read`);
};

export const handler = (_event: Pick<ScheduledEvent, 'time'>, context: Context): Promise<void> =>
  invocation(context, reconcileAll);
