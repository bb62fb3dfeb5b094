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

const twice = { evaluationPeriods: 3, datapointsToAlarm: 2 };
/** Enough for what does not mend itself; what does is heard when it lasts. */
const once = { evaluationPeriods: 1, datapointsToAlarm: 1 };
const lasting = { evaluationPeriods: 5, datapointsToAlarm: 3 };

type Watched = {
  listeners: Lambda[];
  workers: Lambda[];
  queues: QueuePair[];
  redrive: Lambda;
  clocks: Lambda[];
  /** That stores call. */
  webhooks: Lambda[];
  /** That count what people ask for. */
  counting: Lambda[];
};

/** Nothing of ours changes or removes what stands in the audit, and nobody else may. Who disagrees has less than they paid for, or more. */
const ofPurchases = [
  ['AuditIsTampered', 'AuditTampered', 'audit tampered'],
  ['AuditIsUnreadable', 'EntryUnreadable', 'entry unreadable'],
  ['EntitlementsDisagree', 'EntitlementDisagrees', 'entitlement disagrees'],
  ['SignerIsRevoked', 'CertificateRevoked', 'certificate revoked'],
] as const;

/** What a store itself answered us, and we do not take; what can be had from it no more; what it does not let us ask or say. */
const ofStores = [
  ['StoreIsNotBelieved', 'PurchaseRefused', 'purchase refused'],
  ['NotificationsAreLost', 'ReconcileLost', 'reconcile lost'],
  ['StoreDeniesUs', 'StoreDenied', 'store denied'],
  ['AskIsGivenUp', 'AskGivenUp', 'ask given up'],
] as const;

export const watch = (
  stack: Stack,
  { listeners, workers, queues, redrive, clocks, webhooks, counting }: Watched,
): void => {
  const alarm = (name: string, metric: IMetric, threshold: number, how = twice): Alarm =>
    new Alarm(stack, name, {
      metric,
      threshold,
      ...how,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  for (const fn of listeners) {
    const age = fn.metric('IteratorAge', { statistic: 'Maximum', period });
    alarm(`${fn.node.id}IsLate`, age, lateMilliseconds);
  }
  for (const { dead } of queues) {
    alarm(`${dead.node.id}HasMessages`, dead.metricApproximateNumberOfMessagesVisible({ period }), 1);
  }
  const hear = (name: string, metricName: string, msg: string, functions: Lambda[], how = once): void => {
    const named = { metricNamespace: stack.stackName, metricName };
    for (const fn of functions)
      fn.logGroup.addMetricFilter(metricName, { ...named, filterPattern: says(msg), metricValue: '1' });
    new Alarm(stack, name, {
      metric: new Metric({ namespace: stack.stackName, metricName, statistic: 'Sum', period }),
      threshold: 1,
      ...how,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  };
  hear('SomethingIsParked', 'Parked', 'parked', [...listeners, ...workers, redrive, ...clocks]);
  hear('PushIsHeld', 'PushHeld', 'push held', workers);
  hear('TooManyAddressesAreDead', 'PushBreaker', 'push breaker open', workers);
  // The database fails while addresses die: each is kept and asked for again.
  hear('DeadAddressesAreNotCounted', 'PushBreakerUnknown', 'push breaker unknown', workers, lasting);
  for (const [name, metricName, msg] of ofPurchases) hear(name, metricName, msg, listeners);
  for (const [name, metricName, msg] of ofStores) hear(name, metricName, msg, [...workers, ...clocks]);
  hear('StoreIsNotUnderstood', 'NotificationNotUnderstood', 'notification not understood', webhooks);
  // Those that fail open keep nobody from anything while it lasts.
  hear('LimitsAreNotKept', 'LimitUnknown', 'limit unknown', counting, lasting);
  alarm(`${redrive.node.id}Fails`, redrive.metricErrors({ period: Duration.minutes(5) }), 1);
  // They run so rarely that one failure is all that is heard of them for long.
  for (const fn of clocks) alarm(`${fn.node.id}Fails`, fn.metricErrors({ period: Duration.minutes(5) }), 1, once);
};
