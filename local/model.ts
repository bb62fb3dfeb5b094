/**
 * What the synthesized template says, in the words of the local interpreter: template.ts makes it, everything else in
 * local/ reads it. Function, table, queue and bucket ids are the template's logical ids.
 */

/** One route of the HTTP API, for example 'PUT /v1/reactions/{userId}'. */
export type HttpRoute = { routeKey: string; functionId: string; authorizerId?: string };

/** One route of the WebSocket API; with `returnsResponse` the handler's body goes back to the client. */
export type SocketRoute = { functionId: string; returnsResponse: boolean };

/** A function: one entry file that exports `handler`, or the files of all routes that it serves. */
export type FunctionModel = {
  name: string;
  entry?: string;
  routes?: Record<string, string>;
  timeoutSeconds: number;
};

export type TableModel = {
  name: string;
  keys: { attribute: string; role: 'HASH' | 'RANGE'; type: 'S' | 'N' | 'B' }[];
  streamView?: 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES' | 'KEYS_ONLY';
  ttlAttribute?: string;
};

/** A stream that a function reads. `filters` are patterns, any of which lets a record through; none lets all through. */
export type StreamMapping = {
  id: string;
  functionId: string;
  tableId: string;
  batchSize: number;
  filters: unknown[];
  /** Halve a batch whose function threw. */
  bisect: boolean;
  retries: number;
  maxAgeSeconds: number;
  /** The function reports what it could not do instead of throwing (ReportBatchItemFailures). */
  partialResponse: boolean;
  /** Where batches land that were given up. */
  bucketId: string;
};

export type QueueMapping = {
  id: string;
  functionId: string;
  queueId: string;
  batchSize: number;
  /** Invocations at once. */
  concurrency: number;
  partialResponse: boolean;
};

export type QueueModel = {
  name: string;
  visibilitySeconds: number;
  retentionSeconds: number;
  deadLetters?: { queueId: string; maxReceives: number };
};

export type ScheduleModel = { id: string; functionId: string; everySeconds: number };

export type Model = {
  env: Record<string, string>;
  functions: Record<string, FunctionModel>;
  http: { routes: HttpRoute[] };
  /** Routes by '$connect', '$disconnect' and '$default'. */
  sockets: { routes: Record<string, SocketRoute>; authorizerId: string; identitySources: string[] };
  tables: Record<string, TableModel>;
  streams: StreamMapping[];
  consumers: QueueMapping[];
  queues: Record<string, QueueModel>;
  buckets: Record<string, { name: string }>;
  schedules: ScheduleModel[];
};

/** Calls a function with an event. Rejects when the function throws or times out. */
export type Invoke = (functionId: string, event: unknown) => Promise<unknown>;
