/** What the in-memory DynamoDB throws: the SDK's own exceptions, and a plain error for what it does not understand. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  ResourceNotFoundException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import type { Item } from '../../../core/ddb.ts';
import { marshal } from './marshal.ts';

const $metadata = { httpStatusCode: 400 };
const REFUSED = 'The conditional request failed';

/** Why one action of a transaction stood in its way, with what was there if that was asked for. */
export type Reason = {
  code: 'None' | 'ConditionalCheckFailed' | 'DuplicateItem' | 'ValidationError';
  item?: Item | undefined;
};

/** Not an error of DynamoDB: this engine knows less than the caller wants. */
export const notUnderstood = (what: string): Error => new Error(`not understood: ${what}`);

export const invalid = (message: string): DynamoDBServiceException =>
  new DynamoDBServiceException({ name: 'ValidationException', $fault: 'client', message, $metadata });

export const isInvalid = (error: unknown): boolean =>
  error instanceof DynamoDBServiceException && error.name === 'ValidationException';

export const noTable = (): ResourceNotFoundException =>
  new ResourceNotFoundException({ message: 'Requested resource not found', $metadata });

/** @param item what was there, if that was asked for */
export const refused = (item: Item | undefined): ConditionalCheckFailedException =>
  new ConditionalCheckFailedException({ message: REFUSED, $metadata, ...(item ? { Item: marshal(item) } : {}) });

const messages: Record<Reason['code'], string | undefined> = {
  None: undefined,
  ConditionalCheckFailed: REFUSED,
  DuplicateItem: 'Duplicate primary key exists in table',
  ValidationError: 'One or more parameter values were invalid',
};

type Cancellation = { Code: string; Message?: string; Item?: Record<string, AttributeValue> };

const cancellation = ({ code, item }: Reason): Cancellation => {
  const Message = messages[code];
  return { Code: code, ...(Message ? { Message } : {}), ...(item ? { Item: marshal(item) } : {}) };
};

export const cancelled = (reasons: readonly Reason[]): TransactionCanceledException =>
  new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons
      .map(({ code }) => code)
      .join(', ')}]`,
    $metadata,
    CancellationReasons: reasons.map(cancellation),
  });
