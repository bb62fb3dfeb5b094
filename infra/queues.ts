/** Queues, each with a dead-letter queue behind it, and the functions that empty them. */

import { EventSourceMapping, type Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration, type Stack } from 'aws-cdk-lib/core';
import { type MakeFunction, timeouts } from './functions.ts';
import { mayPollQueue, type Right } from './rights.ts';
import type { Stage } from './stage.ts';
import { named } from './stores.ts';

export type QueuePair = { queue: Queue; dead: Queue };

const receives = 5;
const batchSize = 10;
/** Functions at once for one queue, so that a flood of pushes leaves room for requests. */
const maxConcurrency = 10;
/** AWS asks for six times the function's timeout: a batch that is still being worked on must not reappear. */
const visibility = Duration.seconds(6 * timeouts.queue.toSeconds());

export const makeQueue = (stack: Stack, stage: Stage, name: string): QueuePair => {
  const common = {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    removalPolicy: stage.removalPolicy,
  };
  const dead = named(new Queue(stack, `${name}Dead`, { ...common, retentionPeriod: Duration.days(14) }), `${name}Dead`);
  const queue = named(
    new Queue(stack, name, {
      ...common,
      visibilityTimeout: visibility,
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: dead, maxReceiveCount: receives },
    }),
    name,
  );
  return { queue, dead };
};

/** Lets the function of an entry file empty the queue; messages that it reports as failed come again, the rest do not. */
export const drain = (makeFunction: MakeFunction, { queue }: QueuePair, entry: string, rights: Right[]): Lambda => {
  const fn = makeFunction(entry, [mayPollQueue(queue), ...rights]);
  named(
    new EventSourceMapping(fn, 'Queue', {
      target: fn,
      eventSourceArn: queue.queueArn,
      batchSize,
      maxConcurrency,
      reportBatchItemFailures: true,
    }),
    `${queue.node.id}To${fn.node.id}`,
  );
  return fn;
};
