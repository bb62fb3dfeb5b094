/** What a person should hear about: data that is late, and data that was given up. */

import { Alarm, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern } from 'aws-cdk-lib/aws-logs';
import { Duration, type Stack } from 'aws-cdk-lib/core';
import type { QueuePair } from './queues.ts';

const lateMilliseconds = 60_000;
const period = Duration.minutes(1);

/** As core/log.ts writes it, behind what Lambda puts before each line. */
const says = (msg: string) => FilterPattern.literal(`"\\"msg\\":\\"${msg}\\""`);

type Watched = { listeners: Lambda[]; workers: Lambda[]; queues: QueuePair[]; redrive: Lambda };

export const watch = (stack: Stack, { listeners, workers, queues, redrive }: Watched): void => {
  const alarm = (name: string, metric: IMetric, threshold: number): Alarm =>
    new Alarm(stack, name, {
      metric,
      threshold,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  for (const fn of listeners) {
    const age = fn.metric('IteratorAge', { statistic: 'Maximum', period });
    alarm(`${fn.node.id}IsLate`, age, lateMilliseconds);
  }
  for (const { dead } of queues) {
    alarm(`${dead.node.id}HasMessages`, dead.metricApproximateNumberOfMessagesVisible({ period }), 1);
  }
  // Once is enough: none of these mends itself.
  const hear = (name: string, metricName: string, msg: string, functions: Lambda[]): void => {
    const named = { metricNamespace: stack.stackName, metricName };
    for (const fn of functions)
      fn.logGroup.addMetricFilter(metricName, { ...named, filterPattern: says(msg), metricValue: '1' });
    new Alarm(stack, name, {
      metric: new Metric({ namespace: stack.stackName, metricName, statistic: 'Sum', period }),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  };
  hear('SomethingIsParked', 'Parked', 'parked', [...listeners, ...workers, redrive]);
  hear('PushIsHeld', 'PushHeld', 'push held', workers);
  hear('TooManyAddressesAreDead', 'PushBreaker', 'push breaker open', workers);
  alarm(`${redrive.node.id}Fails`, redrive.metricErrors({ period: Duration.minutes(5) }), 1);
};
