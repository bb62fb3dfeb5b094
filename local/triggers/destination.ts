/** The object that Lambda writes to a bucket for a stream batch that it gave up: who, why, what, and the whole event. */
import { randomUUID } from 'node:crypto';
import { functionArn } from '../template/interpret.ts';
import type { Condition } from './batch.ts';
import { type StreamRecord, sequenceOf } from './records.ts';

export type GivenUp = {
  records: StreamRecord[];
  condition: Condition;
  invocations: number;
  mappingId: string;
  functionName: string;
  shardId: string;
};

const arrival = (record: StreamRecord | undefined): string =>
  new Date((record?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000).toISOString().replace('.000Z', 'Z');

/** aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid> */
const keyOf = ({ mappingId, shardId }: GivenUp, now: Date): string => {
  const [day = '', time = ''] = now.toISOString().slice(0, 19).split('T');
  const name = `${day}T${time.replaceAll(':', '.')}-${randomUUID()}`;
  return ['aws/lambda', mappingId, shardId, day.replaceAll('-', '/'), name].join('/');
};

export const parkedObject = (batch: GivenUp, now: Date): { key: string; body: string } => {
  const { records, condition, invocations, functionName, shardId } = batch;
  const [first] = records;
  const last = records.at(-1);
  const body = {
    requestContext: {
      requestId: randomUUID(),
      functionArn: functionArn(functionName),
      condition,
      approximateInvokeCount: invocations,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: now.toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: first && sequenceOf(first),
      endSequenceNumber: last && sequenceOf(last),
      approximateArrivalOfFirstRecord: arrival(first),
      approximateArrivalOfLastRecord: arrival(last),
      batchSize: records.length,
      streamArn: first?.eventSourceARN,
    },
    payload: JSON.stringify({ Records: records }),
  };
  return { key: keyOf(batch, now), body: JSON.stringify(body) };
};
