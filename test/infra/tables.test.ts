/** Tables and buckets: what must never be lost, and what may go. */
import { expect, test } from 'vitest';
import { ofType, prod, propertiesOf, refusingPlainHttp } from './template.ts';

const tables = propertiesOf('AWS::DynamoDB::GlobalTable');

test('tables keep their logical ids, for another id is another, empty table', () =>
  expect(Object.keys(tables)).toEqual(['Events', 'Inbox', 'Views', 'Devices', 'Trail', 'Transactions']));

test.each(Object.entries(tables))(
  '%s has pk and sk, is paid by request and can be restored to any second',
  (_, table) =>
    expect(table).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
    }),
);

test('tables stream what their listeners need, which must never change: another view is another stream', () => {
  const views = Object.entries(tables).map(([id, { StreamSpecification }]) => [id, StreamSpecification]);
  expect(Object.fromEntries(views)).toEqual({
    Events: { StreamViewType: 'NEW_IMAGE' },
    Inbox: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    Views: undefined,
    Devices: undefined,
    Trail: undefined,
    Transactions: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
});

test('tables forget only devices, marks of where somebody was, and what became of pushes, and only by their attribute expires', () => {
  const forgetting = Object.entries(tables).filter(([, table]) => 'TimeToLiveSpecification' in table);
  expect(forgetting).toEqual([
    ['Views', expect.objectContaining({ TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } })],
    ['Devices', expect.objectContaining({ TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } })],
    ['Trail', expect.objectContaining({ TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } })],
  ]);
});

test('tables cannot be deleted in prod, not even with the stack', () => {
  for (const [, table] of ofType('AWS::DynamoDB::GlobalTable', prod)) {
    expect(table).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { Replicas: [{ DeletionProtectionEnabled: true }] },
    });
  }
});

test('tables leave nothing behind in any other stage', () => {
  for (const [, table] of ofType('AWS::DynamoDB::GlobalTable')) {
    expect(table).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: { Replicas: [{ DeletionProtectionEnabled: false }] },
    });
  }
});

const closed = {
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
  },
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  },
};
const buckets = propertiesOf('AWS::S3::Bucket');

test('the buckets are three', () => expect(Object.keys(buckets)).toEqual(['Parked', 'Audit', 'Exports']));

test('the bucket of exports is private and encrypted, and forgets after a week', () =>
  expect(buckets.Exports).toEqual({
    ...closed,
    LifecycleConfiguration: {
      Rules: [{ ExpirationInDays: 7, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
    },
  }));

test('the bucket of what was parked is private and encrypted, and forgets what people wrote after 14 days', () =>
  expect(buckets.Parked).toEqual({
    ...closed,
    LifecycleConfiguration: {
      Rules: [
        { Prefix: 'aws/lambda/', ExpirationInDays: 14, Status: 'Enabled' },
        { Prefix: 'parked/batches/', ExpirationInDays: 14, Status: 'Enabled' },
        { Prefix: 'parked/', ExpirationInDays: 365, Status: 'Enabled' },
        { Prefix: 'dropped/', ExpirationInDays: 365, Status: 'Enabled' },
        { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
      ],
    },
  }));

const locked = (DefaultRetention: object) => ({
  ...closed,
  VersioningConfiguration: { Status: 'Enabled' },
  ObjectLockEnabled: true,
  ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } },
});

test('the bucket of digests keeps every version for ten years, in prod against everybody', () => {
  expect(propertiesOf('AWS::S3::Bucket', prod).Audit).toEqual(locked({ Mode: 'COMPLIANCE', Days: 3653 }));
  expect(buckets.Audit).toEqual(locked({ Mode: 'GOVERNANCE', Days: 1 }));
});

test('the buckets refuse plain HTTP', () =>
  expect(Object.values(propertiesOf('AWS::S3::BucketPolicy'))).toEqual(
    ['Parked', 'Audit', 'Exports'].map((Ref) => refusingPlainHttp('s3:*', { Bucket: { Ref } })),
  ));

test.each(['Parked', 'Audit'])('the bucket %s stays in prod', (id) =>
  expect(prod.Resources[id]).toMatchObject({ DeletionPolicy: 'Retain' }),
);
