/** Turns the synthesized template into the Model. Whatever it does not know, it refuses in one sentence. */
import { StartError } from '../errors.ts';
import type { FunctionModel, Model, QueueModel, ScheduleModel, TableModel } from '../model.ts';
import { readConsumers, readStreams } from './interpret-mappings.ts';
import { readHttp, readSockets } from './interpret-routes.ts';
import { type Names, resolve } from './intrinsics.ts';
import { createReader, type Reader } from './reader.ts';
import { schemas } from './resources.ts';
import type { Template } from './template.ts';

const readFunctions = (reader: Reader): Model['functions'] => {
  const entries = reader.raw('AWS::Lambda::Function').map(([id, { Metadata }]): [string, FunctionModel] => {
    const { Timeout: timeoutSeconds } = reader.parse(schemas['AWS::Lambda::Function'], id);
    const { 'chorus:entry': entry, 'chorus:routes': routes } = Metadata;
    if (typeof entry === 'string') return [id, { name: id, entry, timeoutSeconds }];
    if (typeof routes === 'object' && routes !== null)
      return [id, { name: id, routes: Object.fromEntries(Object.entries(routes)), timeoutSeconds }];
    throw new StartError(`${id} (AWS::Lambda::Function) has neither chorus:entry nor chorus:routes in its metadata`);
  });
  return Object.fromEntries(entries);
};

const readTables = (reader: Reader): Model['tables'] =>
  Object.fromEntries(
    reader.all('AWS::DynamoDB::GlobalTable').map(([id, table]): [string, TableModel] => {
      const types = new Map(table.AttributeDefinitions.map((each) => [each.AttributeName, each.AttributeType]));
      const keys = table.KeySchema.map((key) => ({
        attribute: key.AttributeName,
        role: key.KeyType,
        type: types.get(key.AttributeName) ?? 'S',
      }));
      const streamView = table.StreamSpecification?.StreamViewType;
      const ttlAttribute = table.TimeToLiveSpecification?.AttributeName;
      // On AWS such a REMOVE record says that the service did it; the engine's does not.
      if (streamView && ttlAttribute)
        throw new StartError(`${id} has a stream and a TTL: local/ cannot mark its expiries in the stream`);
      return [id, { name: id, keys, ...(streamView && { streamView }), ...(ttlAttribute && { ttlAttribute }) }];
    }),
  );

const readQueues = (reader: Reader): Model['queues'] =>
  Object.fromEntries(
    reader.all('AWS::SQS::Queue').map(([id, queue]): [string, QueueModel] => {
      const { VisibilityTimeout: visibilitySeconds, MessageRetentionPeriod: retentionSeconds, RedrivePolicy } = queue;
      const deadLetters = RedrivePolicy && {
        queueId: reader.target(id, RedrivePolicy.deadLetterTargetArn, 'AWS::SQS::Queue'),
        maxReceives: RedrivePolicy.maxReceiveCount,
      };
      return [id, { name: id, visibilitySeconds, retentionSeconds, ...(deadLetters && { deadLetters }) }];
    }),
  );

const unitSeconds = { second: 1, minute: 60, hour: 3600, day: 86_400 };

const readSchedules = (reader: Reader): ScheduleModel[] =>
  reader.all('AWS::Scheduler::Schedule').map(([id, { ScheduleExpression, Target }]) => {
    const [, count, unit] = /^rate\((\d+) (second|minute|hour|day)s?\)$/.exec(ScheduleExpression) ?? [];
    const seconds = Object.entries(unitSeconds).find(([name]) => name === unit)?.[1] ?? 1;
    return {
      id,
      functionId: reader.target(id, Target.Arn, 'AWS::Lambda::Function'),
      everySeconds: Number(count) * seconds,
    };
  });

export const region = 'eu-west-1';
/** The account that fauxqs and every emulator uses. */
export const account = '000000000000';
export const functionArn = (name: string): string => `arn:aws:lambda:${region}:${account}:function:${name}`;
export const queueArn = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`;

const pseudo: Record<string, string> = {
  'AWS::Region': region,
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'chorus-local',
};

/** A bucket's name is its address, which has no capitals. */
const bucketName = (id: string): string => id.toLowerCase();

/** What CloudFormation would answer, for what this process calls things. */
const namesOf = ({ typeOf }: Reader, queuesOrigin: string): Names => {
  const refuse = (what: string): never => {
    throw new StartError(
      `the environment needs ${what}, which local/ cannot say: teach it to local/template/interpret.ts`,
    );
  };
  return {
    ref: (id) => {
      const known = pseudo[id];
      if (known !== undefined) return known;
      switch (typeOf(id)) {
        case 'AWS::SQS::Queue':
          return `${queuesOrigin}/${account}/${id}`;
        case 'AWS::S3::Bucket':
          return bucketName(id);
        case 'AWS::DynamoDB::GlobalTable':
        case 'AWS::Lambda::Function':
        case 'AWS::ApiGatewayV2::Api':
        case 'AWS::ApiGatewayV2::Stage':
          return id;
        default:
          return refuse(`the name of ${id}`);
      }
    },
    attribute: (id, name) => {
      if (name !== 'Arn') return refuse(`${id}.${name}`);
      switch (typeOf(id)) {
        case 'AWS::SQS::Queue':
          return queueArn(id);
        case 'AWS::Lambda::Function':
          return functionArn(id);
        case 'AWS::S3::Bucket':
          return `arn:aws:s3:::${bucketName(id)}`;
        default:
          return refuse(`${id}.${name}`);
      }
    },
  };
};

/** One map for all functions, for they share one process. */
const readEnvironment = (reader: Reader, names: Names): Record<string, string> => {
  const env: Record<string, string> = {};
  for (const [id, { Environment }] of reader.all('AWS::Lambda::Function')) {
    for (const [name, value] of Object.entries(Environment?.Variables ?? {})) {
      const text = String(resolve(value, names));
      if (Object.hasOwn(env, name) && env[name] !== text)
        throw new StartError(`${id} wants another ${name} than the other functions; here they share one process`);
      env[name] = text;
    }
  }
  return env;
};

/**
 * @param queuesOrigin where SQS answers, for the queue URLs in the environment
 * @throws StartError for a resource, property, value or intrinsic that local/ does not know, by name
 */
export const interpret = (template: Template, queuesOrigin: string): Model => {
  const reader = createReader(template);
  const buckets = reader.all('AWS::S3::Bucket').map(([id]) => [id, { name: bucketName(id) }] as const);
  reader.all('AWS::ApiGatewayV2::Stage');
  return {
    env: readEnvironment(reader, namesOf(reader, queuesOrigin)),
    functions: readFunctions(reader),
    http: readHttp(reader),
    sockets: readSockets(reader),
    tables: readTables(reader),
    streams: readStreams(reader),
    consumers: readConsumers(reader),
    queues: readQueues(reader),
    buckets: Object.fromEntries(buckets),
    schedules: readSchedules(reader),
  };
};
