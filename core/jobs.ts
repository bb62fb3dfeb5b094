/** The queue edge: one job a message, parsed by its schema. A job that can't be parsed is parked, the others go on. */
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { z } from 'zod';
import type { Deps } from './deps.ts';
import { invocation } from './edge.ts';
import { inLanes } from './lanes.ts';
import { errorName, reasonOf } from './log.ts';
import { park } from './parked.ts';

const WIDTH = 16;

const parse = <J>(schema: z.ZodType<J>, record: SQSRecord): J | z.ZodError => {
  const json = z.string().transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is not JSON');
      return z.NEVER;
    }
  });
  const parsed = json.pipe(schema).safeParse(record.body);
  return parsed.success ? parsed.data : parsed.error;
};

/** @param tell told once a batch what came of the jobs that did not fail */
export const jobs =
  <J, R>(
    name: string,
    schema: z.ZodType<J>,
    handle: (job: J, deps: Deps) => Promise<R>,
    tell: (deps: Deps, results: R[]) => void = () => undefined,
  ) =>
  (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
    invocation(context, async (deps) => {
      const results: R[] = [];
      const failures = await inLanes(
        event.Records,
        ({ messageId }) => messageId,
        WIDTH,
        async (record) => {
          const job = parse(schema, record);
          if (!(job instanceof z.ZodError)) return void results.push(await handle(job, deps));
          const reason = reasonOf(job);
          await park(deps, { from: name, key: record.messageId, reason, hint: { messageId: record.messageId } });
        },
      );
      for (const { item, error } of failures)
        deps.log({ level: 'warn', msg: 'job failed', from: name, key: item.messageId, error: errorName(error) });
      tell(deps, results);
      return { batchItemFailures: failures.map(({ item }) => ({ itemIdentifier: item.messageId })) };
    });
