/**
 * The two buckets: of what could not be processed (whole failed batches under `aws/lambda/`, single records under
 * `parked/`), and the archive of the audit, in which nothing is ever replaced.
 */
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

/** Texts that are written once. */
export type Archive = Pick<Bucket, 'get' | 'list'> & {
  /** @returns false when there is such an object already, which stays as it is */
  add: (key: string, text: string) => Promise<boolean>;
  /** Takes it out of lists; its versions stay as long as they are locked. */
  hide: (key: string) => Promise<void>;
};

let client: S3Client | undefined;
const s3 = (): S3Client => {
  client ??= new S3Client({ forcePathStyle: true, ...withDeadline(10_000) });
  return client;
};
const json = { ContentType: 'application/json' };

/** @param name of the bucket, asked for when it is used */
const open = (name: () => string): Bucket & Pick<Archive, 'add'> => {
  const at = (Key: string) => ({ Bucket: name(), Key });
  const put = async (key: string, Body: string, IfNoneMatch?: '*'): Promise<void> => {
    const absent = IfNoneMatch ? { IfNoneMatch } : {};
    await s3().send(new PutObjectCommand({ ...at(key), ...json, ...absent, Body }));
  };
  return {
    put: (key, text) => put(key, text),
    add: async (key, text) => {
      try {
        await put(key, text, '*');
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'PreconditionFailed') return false;
        throw error;
      }
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
      const start = after ? { StartAfter: after } : {};
      const { Contents = [], IsTruncated = false } = await s3().send(
        new ListObjectsV2Command({ Bucket: name(), Prefix, MaxKeys: limit, ...start }),
      );
      return {
        objects: Contents.flatMap(({ Key, LastModified }) => (Key ? [{ key: Key, modified: LastModified }] : [])),
        more: IsTruncated,
      };
    },
  };
};

export const bucket: Bucket = open(() => env().PARKED_BUCKET);
/** What people asked to have of themselves, for seven days. */
export const exported: Bucket = open(() => env().EXPORTS_BUCKET);

const { add, get, list, remove } = open(() => env().AUDIT_BUCKET);
export const archive: Archive = { add, get, list, hide: remove };
