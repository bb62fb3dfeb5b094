/** Where data rests: six tables, the bucket for stream batches that failed for good, and that of the audit's digests. */

import { AttributeType, Billing, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention } from 'aws-cdk-lib/aws-s3';
import { CfnResource, Duration, type Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { AuditTable } from './rights.ts';
import type { Stage } from './stage.ts';

export type Stores = ReturnType<typeof makeStores>;

/** Whole batches hold what people wrote. */
const batchDays = Duration.days(14);
/** Single records and the trail of what was dropped hold ids only. */
const trailDays = Duration.days(365);

/** Ten years: as long as anybody asks for books. */
const lockedDays = Duration.days(3653);

/**
 * Gives a resource the bare name as its logical id: refactoring this app can then never replace a table,
 * and whoever reads the template (a person, `local/`) meets the names of the design.
 */
export const named = <T extends Construct>(construct: T, logicalId: string): T => {
  const resource = construct.node.defaultChild;
  if (!CfnResource.isCfnResource(resource)) throw new Error(`${construct.node.path} has no resource of its own`);
  resource.overrideLogicalId(logicalId);
  return construct;
};

export const makeStores = (stack: Stack, stage: Stage) => {
  type Options = { stream?: StreamViewType; ttl?: string; policy?: PolicyDocument };
  const table = (name: string, options: Options = {}): TableV2 =>
    named(
      new TableV2(stack, name, {
        partitionKey: { name: 'pk', type: AttributeType.STRING },
        sortKey: { name: 'sk', type: AttributeType.STRING },
        billing: Billing.onDemand(),
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: stage.keepsData,
        removalPolicy: stage.removalPolicy,
        ...(options.stream && { dynamoStream: options.stream }),
        ...(options.ttl && { timeToLiveAttribute: options.ttl }),
        ...(options.policy && { resourcePolicy: options.policy }),
      }),
      name,
    );
  const insertedOnly = (name: string): AuditTable =>
    table(name, { stream: StreamViewType.NEW_AND_OLD_IMAGES, policy: insertOnly(stage) });

  return {
    /** Append-only commits: the only truth. */
    events: table('Events', { stream: StreamViewType.NEW_IMAGE }),
    /** Per person, one pointer for each stream they belong to. */
    inbox: table('Inbox', { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
    /** Read models that can be rebuilt. */
    views: table('Views', { ttl: 'expires' }),
    /** Push addresses, connections, socket tickets. */
    devices: table('Devices', { ttl: 'expires' }),
    /** What became of each push: a record for each decision, for 30 days. */
    trail: table('Trail', { ttl: 'expires' }),
    /** The audit of purchases: append-only for everybody. */
    transactions: insertedOnly('Transactions'),
    parked: makeParked(stack, stage),
    audit: makeAudit(stack, stage),
    exported: makeExports(stack, stage),
  };
};

/** DynamoDB refuses a whole table whose policy has an action that it does not know there. */
const changes = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'PartiQLUpdate', 'PartiQLDelete'];
/** A time to live would let the service itself delete. */
const removals = ['UpdateTimeToLive'];

/**
 * Nobody changes what stands in the table, whatever their own policies allow: a deny wins. Who may change this policy can take
 * it off first; what they then do is in the table's stream.
 */
const insertOnly = ({ keepsData }: Stage): PolicyDocument =>
  new PolicyDocument({
    statements: [
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        // A stage that keeps nothing must be able to go.
        actions: [...changes, ...removals, ...(keepsData ? ['DeleteTable'] : [])].map((verb) => `dynamodb:${verb}`),
        // The table itself, which cannot name itself.
        resources: ['*'],
      }),
    ],
  });

/**
 * Signed digests of the audit, which nobody can remove or replace while they are locked: in compliance mode neither can the
 * account's root. A stage that keeps nothing locks for a day, and for those without a special right.
 */
const makeAudit = (stack: Stack, stage: Stage): Bucket =>
  named(
    new Bucket(stack, 'Audit', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      objectLockDefaultRetention: stage.keepsData
        ? ObjectLockRetention.compliance(lockedDays)
        : ObjectLockRetention.governance(Duration.days(1)),
      removalPolicy: stage.removalPolicy,
    }),
    'Audit',
  );

/** What people asked to have of themselves: a link to it is good for a week. */
const exportDays = Duration.days(7);
const makeExports = (stack: Stack, stage: Stage): Bucket =>
  named(
    new Bucket(stack, 'Exports', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [{ expiration: exportDays, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy: stage.removalPolicy,
    }),
    'Exports',
  );

/**
 * A batch waits here for the redrive, or for a person, and longer than any night or weekend. Where two rules fit, the shorter
 * one holds.
 */
const makeParked = (stack: Stack, stage: Stage): Bucket =>
  named(
    new Bucket(stack, 'Parked', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        { prefix: 'aws/lambda/', expiration: batchDays },
        { prefix: 'parked/batches/', expiration: batchDays },
        { prefix: 'parked/', expiration: trailDays },
        { prefix: 'dropped/', expiration: trailDays },
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: stage.removalPolicy,
    }),
    'Parked',
  );
