/** Jobs for later, through SQS. A job is a hint with a stable id: sending it twice does no harm. */

import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { withDeadline } from './aws.ts';

/** @param delay seconds, 0 to 900 */
export type Enqueue = (queueUrl: string, job: object, delay: number) => Promise<void>;

let client: SQSClient | undefined;

export const enqueue: Enqueue = async (QueueUrl, job, delay) => {
  client ??= new SQSClient({ ...withDeadline(3000) });
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(job), DelaySeconds: delay }));
};
