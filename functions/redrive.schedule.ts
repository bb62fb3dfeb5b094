/**
 * Every five minutes: whole batches that a stream's function gave up on landed in the bucket; each is given to its
 * function again, and parked for an operator after a day of failing.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { z } from 'zod';
import { withDeadline } from '../core/aws.ts';
import type { Deps } from '../core/deps.ts';
import { invocation } from '../core/edge.ts';
import { errorName } from '../core/log.ts';

const PAGES = 20;
const PAGE = 50;
const GIVE_UP_MS = 24 * 3600_000;
/** Where Lambda's S3 destination puts whole failed invocations. */
const PREFIX = 'aws/lambda/';

const FailedBatch = z.object({
  requestContext: z.object({ functionArn: z.string() }),
  payload: z.union([z.string(), z.record(z.string(), z.unknown())]),
});
const Response = z.object({ batchItemFailures: z.array(z.unknown()) }).nullable();

let s3: S3Client | undefined;
let lambda: LambdaClient | undefined;
const bucket = (): S3Client => {
  s3 ??= new S3Client({ forcePathStyle: true, ...withDeadline(10_000) });
  return s3;
};

/** @throws when the function fails again, wholly or in part */
const invokeAgain = async (text: string): Promise<void> => {
  lambda ??= new LambdaClient({ maxAttempts: 1, ...withDeadline(70_000) });
  const { requestContext, payload } = FailedBatch.parse(JSON.parse(text));
  const event = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const output = await lambda.send(
    new InvokeCommand({ FunctionName: requestContext.functionArn, Payload: Buffer.from(event) }),
  );
  if (output.FunctionError) throw new Error(`the function failed: ${output.FunctionError}`);
  const response = Response.parse(JSON.parse(output.Payload?.transformToString() || 'null'));
  if (response && response.batchItemFailures.length > 0)
    throw new Error(`${response.batchItemFailures.length} records failed again`);
};

/** @returns whether the batch is done with */
const redriveOne = async (deps: Deps, Key: string, since: Date): Promise<boolean> => {
  const Bucket = deps.env.PARKED_BUCKET;
  try {
    const object = await bucket().send(new GetObjectCommand({ Bucket, Key }));
    await invokeAgain((await object.Body?.transformToString()) ?? '');
    await bucket().send(new DeleteObjectCommand({ Bucket, Key }));
    deps.log({ level: 'info', msg: 'redriven', key: Key });
    return true;
  } catch (error) {
    deps.log({ level: 'warn', msg: 'redrive failed', key: Key, error: errorName(error) });
    if (deps.now().getTime() - since.getTime() < GIVE_UP_MS) return false;
    await bucket().send(
      new CopyObjectCommand({
        Bucket,
        Key: `parked/batches/${Key}`,
        CopySource: `${Bucket}/${encodeURIComponent(Key)}`,
      }),
    );
    await bucket().send(new DeleteObjectCommand({ Bucket, Key }));
    deps.log({ level: 'error', msg: 'parked', key: Key, from: 'redrive' });
    return true;
  }
};

/**
 * Every failed batch, page by page, so that those which keep failing do not hide the others.
 * @throws when some failed again, after all were tried: that is what the alarm hears
 */
const redriveAll = async (deps: Deps): Promise<void> => {
  let StartAfter: string | undefined;
  let failed = 0;
  for (let page = 0; page < PAGES; page++) {
    const list = {
      Bucket: deps.env.PARKED_BUCKET,
      Prefix: PREFIX,
      MaxKeys: PAGE,
      ...(StartAfter ? { StartAfter } : {}),
    };
    const { Contents = [], IsTruncated } = await bucket().send(new ListObjectsV2Command(list));
    for (const { Key, LastModified } of Contents)
      if (Key && !(await redriveOne(deps, Key, LastModified ?? deps.now()))) failed++;
    StartAfter = Contents.at(-1)?.Key;
    if (!IsTruncated || !StartAfter) break;
  }
  if (failed > 0) throw new Error(`${failed} batches failed again`);
};

export const handler = (_event: Pick<ScheduledEvent, 'time'>, context: Context): Promise<void> =>
  invocation(context, redriveAll);
