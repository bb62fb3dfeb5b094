/** Giving a function again what it gave up on: whole batches, as Lambda's S3 destination wrote them. */
import { z } from 'zod';
import type { Deps } from '../core/deps.ts';

export const FailedBatch = z.object({
  requestContext: z.object({
    functionArn: z.string(),
    condition: z.string().optional(),
    approximateInvokeCount: z.int().optional(),
  }),
  timestamp: z.iso.datetime().optional(),
  payload: z.union([z.string(), z.record(z.string(), z.unknown())]),
});
export type FailedBatch = z.infer<typeof FailedBatch>;

const Response = z.object({ batchItemFailures: z.array(z.unknown()) }).nullable();

/** Gives records to their function. @throws when it fails, wholly or in part */
export const invokeWith = async (
  { invoke }: Pick<Deps, 'invoke'>,
  functionArn: string,
  event: string,
): Promise<void> => {
  const response = Response.parse(await invoke(functionArn, event));
  if (response && response.batchItemFailures.length > 0)
    throw new Error(`${response.batchItemFailures.length} records failed again`);
};

/** @throws when the function fails again, wholly or in part */
export const invokeAgain = async (deps: Pick<Deps, 'invoke'>, text: string): Promise<void> => {
  const { requestContext, payload } = FailedBatch.parse(JSON.parse(text));
  await invokeWith(deps, requestContext.functionArn, typeof payload === 'string' ? payload : JSON.stringify(payload));
};
