/** Queues, the schedule and the alarms: what runs behind the requests. */
import { expect, test } from 'vitest';
import { dev, propertiesOf, refusingPlainHttp, text } from './template.ts';

const mappings = Object.entries(propertiesOf('AWS::Lambda::EventSourceMapping')).filter(
  ([, { EventSourceArn }]) => !text(EventSourceArn).endsWith('.StreamArn'),
);

const queues = propertiesOf('AWS::SQS::Queue');
const live = ['PushQueue', 'ExpiryQueue'];

test('queues are two, each with a dead-letter queue after five receives', () => {
  expect(Object.keys(queues)).toEqual(['PushQueueDead', 'PushQueue', 'ExpiryQueueDead', 'ExpiryQueue']);
  for (const id of live) {
    expect(queues[id]).toMatchObject({
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [`${id}Dead`, 'Arn'] }, maxReceiveCount: 5 },
    });
    expect(queues[`${id}Dead`]).toMatchObject({ MessageRetentionPeriod: 14 * 24 * 3600 });
  }
});

test('queues hide a message for six times the time that its function may take', () => {
  expect(mappings.map(([id]) => id)).toEqual(['PushQueueToPushSendQueue', 'ExpiryQueueToSyncExpireQueue']);
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
test('the schedule runs the redrive every five minutes, without retries', () =>
  expect(Object.values(propertiesOf('AWS::Scheduler::Schedule'))).toEqual([
    expect.objectContaining({
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
      Target: expect.objectContaining({
        Arn: { 'Fn::GetAtt': ['RedriveSchedule', 'Arn'] },
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
      }),
    }),
  ]));

test('the schedule ends a run before the next one begins', () =>
  expect(dev.Resources.RedriveSchedule?.Properties?.Timeout).toBeLessThan(300));
const filtersOf = (metric: string) =>
  Object.values(propertiesOf('AWS::Logs::MetricFilter')).filter(({ MetricTransformations }) =>
    (MetricTransformations as { MetricName: string }[]).some(({ MetricName }) => MetricName === metric),
  );
test.each([
  ['PushHeld', 'push held'],
  ['PushBreaker', 'push breaker open'],
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
  expect(filters.map(({ LogGroupName }) => (LogGroupName as { Ref: string }).Ref)).toEqual(
    [
      ...['SyncDeliverStream', 'ReactionsStream', 'PushNotifyStream', 'SyncRegistersStream'],
      ...['PushSendQueue', 'SyncExpireQueue', 'RedriveSchedule'],
    ].map((id) => expect.stringContaining(`${id}Logs`)),
  );
  const line = JSON.stringify({ level: 'error', msg: 'parked' });
  for (const { FilterPattern } of filters) expect(line).toContain(JSON.parse(String(FilterPattern)));
});
test('alarms watch each listener, each dead-letter queue and the redrive', () => {
  const watched = Object.values(propertiesOf('AWS::CloudWatch::Alarm')).map(({ MetricName, Dimensions }) => {
    const [dimension] = (Dimensions ?? []) as { Value: unknown }[];
    return dimension ? `${MetricName} ${text(dimension.Value)}` : String(MetricName);
  });
  expect(watched).toEqual([
    'IteratorAge SyncDeliverStream',
    'IteratorAge ReactionsStream',
    'IteratorAge PushNotifyStream',
    'IteratorAge SyncRegistersStream',
    'ApproximateNumberOfMessagesVisible PushQueueDead.QueueName',
    'ApproximateNumberOfMessagesVisible ExpiryQueueDead.QueueName',
    'Parked',
    'PushHeld',
    'PushBreaker',
    'Errors RedriveSchedule',
  ]);
});
