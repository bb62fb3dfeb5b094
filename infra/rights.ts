/**
 * What a function may do, as plain data: API actions on resources.
 * A verb that is not in these types (Scan, a wildcard) cannot be granted.
 */

import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Stack } from 'aws-cdk-lib/core';

/** A table without the rest of its construct, which would let it pass for one that may be changed. */
export type AuditTable = Pick<TableV2, 'node' | 'tableName' | 'tableArn' | 'tableStreamArn'>;
export type Right = { actions: string[]; resources: string[] };
export type TableVerb = 'GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';
/** Of a table to which `mayTable` does not fit: what stands there stays as it is. */
type AuditVerb = 'GetItem' | 'Query' | 'PartiQLInsert';
type ObjectVerb = 'GetObject' | 'PutObject' | 'DeleteObject';

export const mayTable = (table: TableV2, ...verbs: TableVerb[]): Right => ({
  actions: verbs.map((verb) => `dynamodb:${verb}`),
  resources: [table.tableArn],
});

export const mayAudit = (table: AuditTable, ...verbs: AuditVerb[]): Right => ({
  actions: verbs.map((verb) => `dynamodb:${verb}`),
  resources: [table.tableArn],
});

/** What Lambda's poller does in the function's name. */
export const mayPollStream = (table: Pick<TableV2, 'tableArn'>): Right => ({
  actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((verb) => `dynamodb:${verb}`),
  resources: [`${table.tableArn}/stream/*`],
});

/** What Lambda's poller does in the function's name. */
export const mayPollQueue = (queue: Queue): Right => ({
  actions: ['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map((verb) => `sqs:${verb}`),
  resources: [queue.queueArn],
});

export const maySend = (queue: Queue): Right => ({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] });

export const mayObjects = (bucket: Bucket, ...verbs: ObjectVerb[]): Right => mayObjectsIn(bucket, '', ...verbs);

/** Objects whose keys begin so. */
export const mayObjectsIn = (bucket: Bucket, prefix: string, ...verbs: ObjectVerb[]): Right => ({
  actions: verbs.map((verb) => `s3:${verb}`),
  resources: [bucket.arnForObjects(`${prefix}*`)],
});

export const mayList = (bucket: Bucket): Right => ({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] });

export const mayInvoke = (functions: Lambda[]): Right => ({
  actions: ['lambda:InvokeFunction'],
  resources: functions.map((fn) => fn.functionArn),
});

/** Secrets under one path of the Parameter Store. */
export const mayReadParameters = (stack: Stack, path: string): Right => ({
  actions: ['ssm:GetParameter'],
  resources: [stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: `${path}/*` })],
});
