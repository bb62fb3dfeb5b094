/**
 * The resource types and properties that local/ understands, each with the values that it can honour. Whatever is not
 * listed is refused: a template that means something else on AWS than on the laptop must not start here.
 */
import { z } from 'zod';

/** A reference, or text with references in it. */
const pointer = z.unknown();
/** Means nothing on a laptop: protection, encryption, permissions, throttling. */
const ignored = z.unknown();
const count = z.int().min(0);

const Table = z.strictObject({
  AttributeDefinitions: z.array(z.strictObject({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) })),
  KeySchema: z.array(z.strictObject({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) })),
  BillingMode: z.literal('PAY_PER_REQUEST'),
  StreamSpecification: z
    .strictObject({ StreamViewType: z.enum(['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY']) })
    .optional(),
  TimeToLiveSpecification: z.strictObject({ AttributeName: z.string(), Enabled: z.literal(true) }).optional(),
  Replicas: z
    .tuple([
      z.strictObject({
        Region: ignored,
        DeletionProtectionEnabled: ignored,
        PointInTimeRecoverySpecification: ignored,
        ResourcePolicy: ignored.optional(),
      }),
    ])
    .optional(),
});

const Lambda = z.strictObject({
  Environment: z.strictObject({ Variables: z.record(z.string(), pointer) }).optional(),
  Timeout: count.default(3),
  Runtime: z.literal('nodejs24.x'),
  Architectures: ignored,
  Code: ignored,
  Description: ignored.optional(),
  Handler: ignored,
  LoggingConfig: ignored.optional(),
  MemorySize: ignored.optional(),
  Role: ignored,
});

const Pattern = z.strictObject({ Pattern: z.string().transform((text): unknown => JSON.parse(text)) });

const common = {
  FunctionName: pointer,
  EventSourceArn: pointer,
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
};
export const StreamMapping = z.strictObject({
  ...common,
  BatchSize: z.int().min(1).max(10_000).default(100),
  BisectBatchOnFunctionError: z.boolean().default(false),
  DestinationConfig: z.strictObject({ OnFailure: z.strictObject({ Destination: pointer }) }),
  FilterCriteria: z.strictObject({ Filters: z.array(Pattern) }).default({ Filters: [] }),
  MaximumRecordAgeInSeconds: z.int().min(60).max(86_400),
  MaximumRetryAttempts: count.max(10_000),
  StartingPosition: z.literal('TRIM_HORIZON'),
});
export const QueueMapping = z.strictObject({
  ...common,
  BatchSize: z.int().min(1).max(10).default(10),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.int().min(2) }).default({ MaximumConcurrency: 5 }),
});

const Queue = z.strictObject({
  VisibilityTimeout: count.default(30),
  MessageRetentionPeriod: count.default(345_600),
  RedrivePolicy: z.strictObject({ deadLetterTargetArn: pointer, maxReceiveCount: z.int().min(1) }).optional(),
  SqsManagedSseEnabled: ignored.optional(),
});

const Bucket = z.strictObject({
  BucketEncryption: ignored.optional(),
  LifecycleConfiguration: ignored.optional(),
  PublicAccessBlockConfiguration: ignored.optional(),
  OwnershipControls: ignored.optional(),
  // fauxqs keeps one version of an object and locks none.
  VersioningConfiguration: ignored.optional(),
  ObjectLockEnabled: ignored.optional(),
  ObjectLockConfiguration: ignored.optional(),
});

const Api = z.discriminatedUnion('ProtocolType', [
  z.strictObject({ ProtocolType: z.literal('HTTP'), Name: ignored }),
  z.strictObject({
    ProtocolType: z.literal('WEBSOCKET'),
    RouteSelectionExpression: z.literal('$request.body.type'),
    Name: ignored,
  }),
]);
const Integration = z.strictObject({
  ApiId: pointer,
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: pointer,
  PayloadFormatVersion: z.literal('2.0').optional(),
});
const Route = z.strictObject({
  ApiId: pointer,
  RouteKey: z.string(),
  Target: pointer,
  AuthorizationType: z.enum(['NONE', 'CUSTOM']).default('NONE'),
  AuthorizerId: pointer.optional(),
  RouteResponseSelectionExpression: z.literal('$default').optional(),
});
const Authorizer = z.strictObject({
  ApiId: pointer,
  AuthorizerType: z.literal('REQUEST'),
  AuthorizerUri: pointer,
  AuthorizerPayloadFormatVersion: z.literal('2.0').optional(),
  AuthorizerResultTtlInSeconds: z.literal(0).optional(),
  EnableSimpleResponses: z.literal(true).optional(),
  IdentitySource: z.array(z.string()).default([]),
  Name: ignored,
});
const Stage = z.strictObject({
  ApiId: pointer,
  AutoDeploy: z.literal(true),
  StageName: ignored,
  DefaultRouteSettings: ignored.optional(),
  AccessLogSettings: ignored.optional(),
});
const RouteResponse = z.strictObject({ ApiId: pointer, RouteId: pointer, RouteResponseKey: z.literal('$default') });

const Schedule = z.strictObject({
  ScheduleExpression: z.string().regex(/^rate\([1-9]\d* (second|minute|hour|day)s?\)$/, 'must be a rate(…)'),
  State: z.literal('ENABLED').optional(),
  Target: z.strictObject({ Arn: pointer, RoleArn: ignored, RetryPolicy: ignored.optional() }),
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal('OFF') }),
  ScheduleExpressionTimezone: ignored.optional(),
});

/** Types that local/ turns into something that runs; event source mappings, told apart by their source, stand above. */
export const schemas = {
  'AWS::DynamoDB::GlobalTable': Table,
  'AWS::Lambda::Function': Lambda,
  'AWS::SQS::Queue': Queue,
  'AWS::S3::Bucket': Bucket,
  'AWS::ApiGatewayV2::Api': Api,
  'AWS::ApiGatewayV2::Integration': Integration,
  'AWS::ApiGatewayV2::Route': Route,
  'AWS::ApiGatewayV2::Authorizer': Authorizer,
  'AWS::ApiGatewayV2::Stage': Stage,
  'AWS::ApiGatewayV2::RouteResponse': RouteResponse,
  'AWS::Scheduler::Schedule': Schedule,
};

/** Types that are known and mean nothing on a laptop: who may do what, who is told, where logs are kept. */
export const notNeeded: ReadonlySet<string> = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Topic',
  'AWS::SQS::QueuePolicy',
]);
