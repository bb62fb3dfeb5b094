/** The bucket of what could not be processed: whole failed batches under `aws/lambda/`, single records under `parked/`. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { withDeadline } from './aws.ts';
import { env } from './env.ts';

export type Listed = { objects: { key: string; modified: Date | undefined }[]; more: boolean };

/** The port: texts by key. All of it says the same however often it is called. */
export type Bucket = {
  put: (key: string, text: string) => Promise<void>;
  /** Undefined when there is no such object. */
  get: (key: string) => Promise<string | undefined>;
  remove: (key: string) => Promise<void>;
  /** A page of keys in their order, after `after`. */
  list: (prefix: string, page: { after?: string | undefined; limit: number }) => Promise<Listed>;
};

let client: S3Client | undefined;
const s3 = (): S3Client => {
  client ??= new S3Client({ forcePathStyle: true, ...withDeadline(10_000) });
  return client;
};
const at = (Key: string) => ({ Bucket: env().PARKED_BUCKET, Key });

export const bucket: Bucket = {
  put: async (key, text) => {
    await s3().send(new PutObjectCommand({ ...at(key), Body: text, ContentType: 'application/json' }));
  },
  get: async (key) => {
    try {
      return (await s3().send(new GetObjectCommand(at(key)))).Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },
  remove: async (key) => {
    await s3().send(new DeleteObjectCommand(at(key)));
  },
  list: async (Prefix, { after, limit }) => {
    const { Contents = [], IsTruncated = false } = await s3().send(
      new ListObjectsV2Command({
        Bucket: env().PARKED_BUCKET,
        Prefix,
        MaxKeys: limit,
        ...(after ? { StartAfter: after } : {}),
      }),
    );
    return {
      objects: Contents.flatMap(({ Key, LastModified }) => (Key ? [{ key: Key, modified: LastModified }] : [])),
      more: IsTruncated,
    };
  },
};
