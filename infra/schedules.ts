/** What runs by the clock. */

import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Duration, type Stack } from 'aws-cdk-lib/core';
import { named } from './stores.ts';

/** No retries: the next run does the same work. */
export const every = (stack: Stack, interval: Duration, fn: Lambda): Schedule =>
  named(
    new Schedule(stack, `${fn.node.id}Clock`, {
      schedule: ScheduleExpression.rate(interval),
      target: new LambdaInvoke(fn, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
    }),
    `${fn.node.id}Clock`,
  );
