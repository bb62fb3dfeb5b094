/** The errors that AWS answers with, as the SDK throws them. */
import {
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';

const about = { $metadata: {}, message: 'injected' };

/** No answer came: nobody knows. */
export const timeout = (): Error => Object.assign(new Error('injected: no answer'), { name: 'TimeoutError' });
export const throttled = (): Error => new ProvisionedThroughputExceededException(about);
export const conflict = (): Error => new TransactionConflictException(about);
export const cancelledByConflict = (items: number): Error =>
  new TransactionCanceledException({
    ...about,
    CancellationReasons: Array.from({ length: items }, (_, i) => ({ Code: i === 0 ? 'TransactionConflict' : 'None' })),
  });
export const inProgress = (): Error => new TransactionInProgressException(about);
