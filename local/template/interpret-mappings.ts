/** Event source mappings: which function reads which stream, and which empties which queue. */

import type { QueueMapping, StreamMapping } from '../model.ts';
import { createFilter } from '../triggers/filter.ts';
import { mappingType, type Reader } from './reader.ts';
import * as resources from './resources.ts';

const table = 'AWS::DynamoDB::GlobalTable';
const queue = 'AWS::SQS::Queue';

/** The mappings whose source has this type. */
const mappingsOf = (reader: Reader, type: string): [id: string, sourceId: string][] =>
  reader.raw(mappingType).flatMap(([id, { Properties }]): [string, string][] => {
    const source = reader.target(id, Properties.EventSourceArn, table, queue);
    return reader.typeOf(source) === type ? [[id, source]] : [];
  });

export const readStreams = (reader: Reader): StreamMapping[] =>
  mappingsOf(reader, table).map(([id, tableId]) => {
    const mapping = reader.parse(resources.StreamMapping, id);
    const filters = mapping.FilterCriteria.Filters.map(({ Pattern }) => Pattern);
    // Made again where it is used; here it refuses an operator that it does not know, before anything runs.
    createFilter(filters, id);
    return {
      id,
      functionId: reader.target(id, mapping.FunctionName, 'AWS::Lambda::Function'),
      tableId,
      batchSize: mapping.BatchSize,
      filters,
      bisect: mapping.BisectBatchOnFunctionError,
      retries: mapping.MaximumRetryAttempts,
      maxAgeSeconds: mapping.MaximumRecordAgeInSeconds,
      partialResponse: mapping.FunctionResponseTypes.length > 0,
      bucketId: reader.target(id, mapping.DestinationConfig.OnFailure.Destination, 'AWS::S3::Bucket'),
    };
  });

export const readConsumers = (reader: Reader): QueueMapping[] =>
  mappingsOf(reader, queue).map(([id, queueId]) => {
    const mapping = reader.parse(resources.QueueMapping, id);
    return {
      id,
      functionId: reader.target(id, mapping.FunctionName, 'AWS::Lambda::Function'),
      queueId,
      batchSize: mapping.BatchSize,
      concurrency: mapping.ScalingConfig.MaximumConcurrency,
      partialResponse: mapping.FunctionResponseTypes.length > 0,
    };
  });
