/** Stream records as Lambda hands them over, made from what the engine says. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { account, region } from '../template/interpret.ts';

type Image = Record<string, unknown>;
type Change = {
  Keys: Image;
  NewImage?: Image;
  OldImage?: Image;
  SequenceNumber: string;
  SizeBytes: number;
  StreamViewType: string;
  /** Seconds since 1970. */
  ApproximateCreationDateTime: number;
};

/** What GetRecords answers. */
export type RawRecord = { eventName: string; userIdentity?: object; dynamodb: Change };

export type StreamRecord = {
  eventID: string;
  eventName: string;
  eventVersion: '1.1';
  eventSource: 'aws:dynamodb';
  awsRegion: string;
  dynamodb: Change;
  userIdentity?: object;
  eventSourceARN: string;
};

export const sequenceOf = ({ dynamodb }: RawRecord | StreamRecord): string => dynamodb.SequenceNumber;

/** The engine's own ARN has a region that does not exist; only its label, the stream's birth, is kept. */
export const streamArn = (table: string, engineArn: string): string =>
  `arn:aws:dynamodb:${region}:${account}:table/${table}/stream/${engineArn.split('/').at(-1)}`;

/** DynamoDB records no change for a write that changes nothing; the engine does. */
const saysNothing = ({ eventName, dynamodb: { NewImage, OldImage } }: RawRecord): boolean =>
  eventName === 'MODIFY' && NewImage !== undefined && OldImage !== undefined && isDeepStrictEqual(NewImage, OldImage);

/**
 * @param arn the stream's, as the function shall see it; with the sequence number it makes the event's id, which the
 * engine gives out once per table only
 * @returns undefined for a record that AWS would not have written
 */
export const toStreamRecord = (raw: RawRecord, arn: string): StreamRecord | undefined => {
  if (saysNothing(raw)) return undefined;
  const { eventName, dynamodb, userIdentity } = raw;
  return {
    eventID: createHash('md5').update(`${arn} ${dynamodb.SequenceNumber}`).digest('hex'),
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    dynamodb,
    ...(userIdentity && { userIdentity }),
    eventSourceARN: arn,
  };
};
