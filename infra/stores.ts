/** Where data rests: five tables, and the bucket for stream batches that failed for good. */

import { AttributeType, Billing, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { CfnResource, Duration, type Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Stage } from './stage.ts';

export type Stores = ReturnType<typeof makeStores>;

/** Whole batches hold what people wrote. */
const batchDays = Duration.days(14);
/** Single records and the trail of what was dropped hold ids only. */
const trailDays = Duration.days(365);

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
  const table = (name: string, options: { stream?: StreamViewType; ttl?: string } = {}): TableV2 =>
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
      }),
      name,
    );

  return {
    /** Append-only commits: the only truth. */
    events: table('Events', { stream: StreamViewType.NEW_IMAGE }),
    /** Per person, one pointer for each stream they belong to. */
    inbox: table('Inbox', { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
    /** Read models that can be rebuilt. */
    views: table('Views'),
    /** Push addresses, connections, socket tickets. */
    devices: table('Devices', { ttl: 'expires' }),
    /** What became of each push: a record for each decision, for 30 days. */
    trail: table('Trail', { ttl: 'expires' }),
    parked: makeParked(stack, stage),
  };
};

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
