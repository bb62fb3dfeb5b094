/** Stream records of writes, as GetRecords of DynamoDB Streams gives them. */
import type { RawRecord } from '../../../local/triggers/records.ts';
import type { TableSpec, Write } from './dynamo.ts';
import { marshal } from './marshal.ts';
import { sizeOf } from './sizes.ts';

/** As long as AWS's own; they grow as numbers and as texts. */
const sequence = (seq: number): string => `1${String(seq).padStart(20, '0')}`;

/**
 * @param spec the table's, which has a stream
 * @param seconds since 1970, when it was written
 */
export const recordOf = (
  { seq, pk, sk, before, after }: Write,
  { name, streamView }: TableSpec,
  seconds: number,
): RawRecord => {
  if (!streamView) throw new Error(`${name} has no stream`);
  const old = streamView === 'OLD_IMAGE' || streamView === 'NEW_AND_OLD_IMAGES' ? before : undefined;
  const now = streamView === 'NEW_IMAGE' || streamView === 'NEW_AND_OLD_IMAGES' ? after : undefined;
  const sizes = [{ pk, sk }, old ?? {}, now ?? {}].map(sizeOf);
  return {
    eventName: !before ? 'INSERT' : after ? 'MODIFY' : 'REMOVE',
    dynamodb: {
      ApproximateCreationDateTime: seconds,
      Keys: marshal({ pk, sk }),
      ...(now ? { NewImage: marshal(now) } : {}),
      ...(old ? { OldImage: marshal(old) } : {}),
      SequenceNumber: sequence(seq),
      SizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      StreamViewType: streamView,
    },
  };
};
