/** Queues, the schedule and the alarms: what runs behind the requests. */
import { expect, test } from 'vitest';
import { dev, idsOf, propertiesOf, refusingPlainHttp, text } from './template.ts';

const mappings = Object.entries(propertiesOf('AWS::Lambda::EventSourceMapping')).filter(
  ([, { EventSourceArn }]) => !text(EventSourceArn).endsWith('.StreamArn'),
);

const queues = propertiesOf('AWS::SQS::Queue');
const live = ['PushQueue', 'ExpiryQueue', 'AskQueue', 'ErasureQueue', 'ExportQueue'];

test('queues are five, each with a dead-letter queue after five receives', () => {
  expect(Object.keys(queues)).toEqual(live.flatMap((name) => [`${name}Dead`, name]));
  for (const id of live) {
    expect(queues[id]).toMatchObject({
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [`${id}Dead`, 'Arn'] }, maxReceiveCount: 5 },
    });
    expect(queues[`${id}Dead`]).toMatchObject({ MessageRetentionPeriod: 14 * 24 * 3600 });
  }
});

test('queues hide a message for six times the time that its function may take', () => {
  expect(mappings.map(([id]) => id).sort()).toEqual([
    'AskQueueToPurchasesAskQueue',
    'ErasureQueueToErasureEraseQueue',
    'ExpiryQueueToSyncExpireQueue',
    'ExportQueueToErasureCollectQueue',
    'PushQueueToPushSendQueue',
  ]);
  for (const [, { EventSourceArn, FunctionName }] of mappings) {
    const timeout = Number(dev.Resources[text(FunctionName)]?.Properties?.Timeout);
    expect(queues[text(EventSourceArn)]).toMatchObject({ VisibilityTimeout: 6 * timeout });
  }
});

test.each(mappings)('%s works in bounded batches and repeats only what failed', (_, mapping) =>
  expect(mapping).toMatchObject({
    BatchSize: 10,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 10 },
  }),
);

test('queues are encrypted and refuse plain HTTP', () => {
  const policies = Object.values(propertiesOf('AWS::SQS::QueuePolicy'));
  for (const [id, queue] of Object.entries(queues)) {
    expect(queue).toMatchObject({ SqsManagedSseEnabled: true });
    expect(policies).toContainEqual(refusingPlainHttp('sqs:*', { Queues: [{ Ref: id }] }));
  }
});
const schedules = Object.values(propertiesOf('AWS::Scheduler::Schedule'));
test.each([
  ['RedriveSchedule', 'rate(5 minutes)'],
  ['PurchasesAnchorSchedule', 'rate(1 hour)'],
  ['PurchasesReconcileSchedule', 'rate(1 hour)'],
  ['ErasureRemindSchedule', 'rate(15 minutes)'],
])('the schedule of %s is %s, without retries', (id, rate) =>
  expect(schedules).toContainEqual(
    expect.objectContaining({
      ScheduleExpression: rate,
      State: 'ENABLED',
      Target: expect.objectContaining({
        Arn: { 'Fn::GetAtt': [id, 'Arn'] },
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
      }),
    }),
  ),
);
test('the schedules are four', () => expect(schedules).toHaveLength(4));

test('the schedule ends a run before the next one begins', () =>
  expect(dev.Resources.RedriveSchedule?.Properties?.Timeout).toBeLessThan(300));
const filtersOf = (metric: string) =>
  Object.values(propertiesOf('AWS::Logs::MetricFilter')).filter(({ MetricTransformations }) =>
    (MetricTransformations as { MetricName: string }[]).some(({ MetricName }) => MetricName === metric),
  );
test.each([
  ['PushHeld', 'push held'],
  ['PushBreaker', 'push breaker open'],
  ['PushBreakerUnknown', 'push breaker unknown'],
])('the alarm %s hears the sender by the line that it logs', (metric, msg) => {
  const filters = filtersOf(metric);
  expect(filters.map(({ LogGroupName }) => (LogGroupName as { Ref: string }).Ref)).toContainEqual(
    expect.stringContaining('PushSendQueueLogs'),
  );
  const line = JSON.stringify({ level: 'error', msg });
  for (const { FilterPattern } of filters) expect(line).toContain(JSON.parse(String(FilterPattern)));
});
test('the alarm for what is parked hears every function that parks, by the line that they log', () => {
  const filters = filtersOf('Parked');
  expect(filters.map(({ LogGroupName }) => (LogGroupName as { Ref: string }).Ref).sort()).toEqual(
    [
      ...['ErasureCollectQueue', 'ErasureEraseQueue', 'ErasureRemindSchedule'],
      ...['PurchasesAnchorSchedule', 'PurchasesAskQueue', 'PurchasesEntitleStream', 'PurchasesReconcileSchedule'],
      ...['PurchasesWatchStream', 'PushNotifyStream', 'PushSendQueue', 'ReactionsStream', 'RedriveSchedule'],
      ...['SyncDeliverStream', 'SyncExpireQueue', 'SyncRegistersStream'],
    ].map((id) => expect.stringContaining(`${id}Logs`)),
  );
  const line = JSON.stringify({ level: 'error', msg: 'parked' });
  for (const { FilterPattern } of filters) expect(line).toContain(JSON.parse(String(FilterPattern)));
});
test('the alarm for limits hears every function that people ask, by the line that they log', () => {
  const filters = filtersOf('LimitUnknown');
  // Machines outside are not counted, nor are links that say themselves what they are good for.
  const asked = idsOf('AWS::Lambda::Function').filter(
    (id) => /Http$/.test(id) && !/(Notification|Apple|Download)Http$/.test(id),
  );
  expect(filters.map(({ LogGroupName }) => (LogGroupName as { Ref: string }).Ref).sort()).toEqual(
    asked.sort().map((id) => expect.stringContaining(`${id}Logs`)),
  );
  const line = JSON.stringify({ level: 'error', msg: 'limit unknown' });
  for (const { FilterPattern } of filters) expect(line).toContain(JSON.parse(String(FilterPattern)));
});
test('the alarm for tampering hears who watches the audit, by the line that it logs', () => {
  const filters = filtersOf('AuditTampered');
  expect(filters.map(({ LogGroupName }) => (LogGroupName as { Ref: string }).Ref)).toContainEqual(
    expect.stringContaining('PurchasesWatchStreamLogs'),
  );
  const line = JSON.stringify({ level: 'error', msg: 'audit tampered' });
  for (const { FilterPattern } of filters) expect(line).toContain(JSON.parse(String(FilterPattern)));
});
test('alarms ring at the first line of what does not mend itself, and of what does when it lasts', () => {
  const heard = ['Parked', 'PushHeld', 'PushBreaker', 'PushBreakerUnknown', 'AuditTampered'];
  const alarms = Object.values(propertiesOf('AWS::CloudWatch::Alarm')).filter((each) =>
    heard.includes(String(each.MetricName)),
  );
  const minutes = { Period: 60, Statistic: 'Sum', Threshold: 1, ComparisonOperator: 'GreaterThanOrEqualToThreshold' };
  for (const each of alarms) expect(each).toMatchObject(minutes);
  const patience = alarms.map((each) => [each.MetricName, each.DatapointsToAlarm, each.EvaluationPeriods]);
  expect(patience).toEqual([
    ['Parked', 1, 1],
    ['PushHeld', 1, 1],
    ['PushBreaker', 1, 1],
    ['PushBreakerUnknown', 3, 5],
    ['AuditTampered', 1, 1],
  ]);
});
test('alarms watch each listener, each dead-letter queue and each schedule', () => {
  const watched = Object.values(propertiesOf('AWS::CloudWatch::Alarm')).map(({ MetricName, Dimensions }) => {
    const [dimension] = (Dimensions ?? []) as { Value: unknown }[];
    return dimension ? `${MetricName} ${text(dimension.Value)}` : String(MetricName);
  });
  expect(watched).toEqual([
    'IteratorAge SyncDeliverStream',
    'IteratorAge ReactionsStream',
    'IteratorAge PushNotifyStream',
    'IteratorAge SyncRegistersStream',
    'IteratorAge PurchasesEntitleStream',
    'IteratorAge PurchasesWatchStream',
    'ApproximateNumberOfMessagesVisible PushQueueDead.QueueName',
    'ApproximateNumberOfMessagesVisible ExpiryQueueDead.QueueName',
    'ApproximateNumberOfMessagesVisible AskQueueDead.QueueName',
    'ApproximateNumberOfMessagesVisible ErasureQueueDead.QueueName',
    'ApproximateNumberOfMessagesVisible ExportQueueDead.QueueName',
    'Parked',
    'PushHeld',
    'PushBreaker',
    'PushBreakerUnknown',
    'AuditTampered',
    'EntryUnreadable',
    'EntitlementDisagrees',
    'CertificateRevoked',
    'PurchaseRefused',
    'ReconcileLost',
    'StoreDenied',
    'AskGivenUp',
    'NotificationNotUnderstood',
    'LimitUnknown',
    'Errors RedriveSchedule',
    'Errors PurchasesAnchorSchedule',
    'Errors PurchasesReconcileSchedule',
    'Errors ErasureRemindSchedule',
  ]);
});
