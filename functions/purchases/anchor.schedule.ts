/** Every hour: a signed digest of what is new in the audit. */
import type { Context, ScheduledEvent } from 'aws-lambda';
import { invocation } from '../../core/edge.ts';
import { readSecret } from '../../core/secrets.ts';
import { anchor } from './anchor.ts';
import { AUDIT_KEY } from './digests.ts';

export const handler = (_event: Pick<ScheduledEvent, 'time'>, context: Context): Promise<void> =>
  invocation(context, async (deps) => {
    await anchor(deps, () => readSecret(AUDIT_KEY));
  });
