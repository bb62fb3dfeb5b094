/** How a table's stream reaches a function: in batches, in order, and never for ever. */

import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventSourceMapping, FilterCriteria, type Function as Lambda, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Duration } from 'aws-cdk-lib/core';
import type { MakeFunction } from './functions.ts';
import { mayList, mayObjects, mayPollStream, type Right } from './rights.ts';
import { named } from './stores.ts';

export type Filter = Parameters<typeof FilterCriteria.filter>[0];
type Listener = {
  table: Pick<TableV2, 'node' | 'tableArn' | 'tableStreamArn'>;
  parked: Bucket;
  entry: string;
  filter: Filter;
  rights: Right[];
};

const batchSize = 100;
const retryAttempts = 5;
/** A stream keeps its records for 24 hours; a batch that is given up must reach the bucket before they are gone. */
const maxRecordAge = Duration.hours(22);

/**
 * Lets the function of an entry file listen to a table. A failing batch is halved until the failure stands alone, and
 * after its retries lands whole in the bucket: an S3 destination gets the records, a queue only their numbers.
 */
export const listen = (makeFunction: MakeFunction, { table, parked, entry, filter, rights }: Listener): Lambda => {
  // Lambda asks for ListBucket besides PutObject before it accepts a bucket as destination.
  const fn = makeFunction(entry, [mayPollStream(table), mayObjects(parked, 'PutObject'), mayList(parked), ...rights]);
  if (!table.tableStreamArn) throw new Error(`${table.node.id} has no stream to listen to`);
  named(
    new EventSourceMapping(fn, 'Stream', {
      target: fn,
      eventSourceArn: table.tableStreamArn,
      // LATEST can skip records while the mapping is being made.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize,
      bisectBatchOnError: true,
      retryAttempts,
      maxRecordAge,
      reportBatchItemFailures: true,
      filters: [FilterCriteria.filter(filter)],
      // CDK's own S3 destination would grant reading and deleting too.
      onFailure: { bind: () => ({ destination: parked.bucketArn }) },
    }),
    `${table.node.id}To${fn.node.id}`,
  );
  return fn;
};
