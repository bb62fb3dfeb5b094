/** Stream mappings: bounded, filtered, and never more than two for one stream. */
import { expect, test } from 'vitest';
import { propertiesOf, text } from './template.ts';

const mappings = Object.entries(propertiesOf('AWS::Lambda::EventSourceMapping')).filter(([, { EventSourceArn }]) =>
  text(EventSourceArn).endsWith('.StreamArn'),
);

test('stream mappings are these', () =>
  expect(mappings.map(([id]) => id).sort()).toEqual([
    'EventsToReactionsStream',
    'EventsToSyncDeliverStream',
    'InboxToPushNotifyStream',
    'InboxToSyncRegistersStream',
    'TransactionsToPurchasesEntitleStream',
    'TransactionsToPurchasesWatchStream',
  ]));

test.each(mappings)('%s gives up after bounded work and parks the batch whole', (_, mapping) => {
  expect(mapping).toMatchObject({
    BatchSize: 100,
    BisectBatchOnFunctionError: true,
    MaximumRetryAttempts: 5,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    StartingPosition: 'TRIM_HORIZON',
    DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Parked', 'Arn'] } } },
  });
  const age = mapping.MaximumRecordAgeInSeconds;
  expect(age).toBeGreaterThan(12 * 3600);
  expect(age).toBeLessThan(24 * 3600);
});

test('stream mappings are at most two for each stream, more would throttle each other', () => {
  const readers = new Map<string, number>();
  for (const [, { EventSourceArn }] of mappings) {
    const stream = text(EventSourceArn);
    readers.set(stream, (readers.get(stream) ?? 0) + 1);
  }
  expect(Math.max(...readers.values())).toBeLessThanOrEqual(2);
});

test('stream mappings let through only what their function is for', () => {
  const patterns = mappings.map(([id, { FilterCriteria }]) => {
    const { Filters } = FilterCriteria as { Filters: { Pattern: string }[] };
    return [id, Filters.map(({ Pattern }) => JSON.parse(Pattern))];
  });
  const sk = { S: [{ prefix: 'v#' }] };
  expect(Object.fromEntries(patterns)).toEqual({
    EventsToSyncDeliverStream: [{ eventName: ['INSERT'], dynamodb: { Keys: { sk } } }],
    EventsToReactionsStream: [
      {
        eventName: ['INSERT'],
        dynamodb: { Keys: { sk }, NewImage: { kind: { S: ['case', 'pair', 'person', 'profile', 'purchase'] } } },
      },
    ],
    InboxToPushNotifyStream: [{ eventName: ['INSERT', 'MODIFY'] }],
    InboxToSyncRegistersStream: [{ eventName: ['MODIFY'] }],
    TransactionsToPurchasesEntitleStream: [
      { eventName: ['INSERT'], dynamodb: { Keys: { sk: { S: [{ prefix: 'n#' }] } } } },
    ],
    TransactionsToPurchasesWatchStream: [{ eventName: ['INSERT', 'MODIFY', 'REMOVE'] }],
  });
});
