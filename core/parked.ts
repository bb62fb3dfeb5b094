/** What can't be processed is parked in a bucket with its reason, without stopping the rest. Keys only, no bodies. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { withDeadline } from './aws.ts';
import { env } from './env.ts';

export type Parked = { from: string; key: string; reason: string; at: string; hint: unknown };
export type Park = (parked: Parked) => Promise<void>;

let client: S3Client | undefined;

/** The same record parked twice is one object. */
export const park: Park = async (parked) => {
  client ??= new S3Client({ forcePathStyle: true, ...withDeadline(5000) });
  await client.send(
    new PutObjectCommand({
      Bucket: env().PARKED_BUCKET,
      Key: `parked/${parked.from}/${encodeURIComponent(parked.key)}.json`,
      Body: JSON.stringify(parked),
      ContentType: 'application/json',
    }),
  );
};
