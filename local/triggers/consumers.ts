/** Empties the template's queues into their functions, by the rules of Lambda's event source mapping for SQS. */
import type { Activity } from '../activity.ts';
import type { Model, QueueMapping } from '../model.ts';
import { queueArn, region } from '../template/interpret.ts';
import { failedItems } from './partial.ts';
import type { Queue, Queues } from './queues.ts';
import { onQueueSend } from './wake.ts';

type Message = ReturnType<Queue['dequeue']>[number];

export type Consumers = {
  /** No queue holds a message that a function should have now. Delayed ones do not count. */
  isQuiet: () => boolean;
  /** Queues that are not quiet, for people. */
  busy: () => string[];
  stop: () => Promise<void>;
};

type Options = {
  model: Pick<Model, 'consumers' | 'queues'>;
  queues: Queues;
  activity: Activity;
  invoke: (functionId: string, event: object) => Promise<unknown>;
  onFailure: (mapping: QueueMapping, messages: number, error: unknown) => void;
};

/** On AWS a failed message waits for the visibility timeout, minutes; nobody wants to wait so long on a laptop. */
const firstRetrySeconds = 0.1;
const retrySeconds = (receives: number): number => firstRetrySeconds * 2 ** Math.min(receives - 1, 6);
/** Timers are clamped to this, then the queue is looked at again. */
const maxSleepMilliseconds = 60_000;
const stopLookMilliseconds = 20;
const maxStopLooks = 50;

type Attributes = NonNullable<Message['MessageAttributes']>;
const messageAttributes = (attributes: Attributes = {}): object =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        stringValue: StringValue,
        binaryValue: BinaryValue,
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType,
      },
    ]),
  );

/** A message as Lambda hands it over. */
const toRecord = (queue: Queue, { MessageId, ReceiptHandle, Body, MD5OfBody, MessageAttributes }: Message): object => {
  const message = queue.inflightMessages.get(ReceiptHandle)?.message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: {
      ApproximateReceiveCount: String(message?.approximateReceiveCount ?? 1),
      SentTimestamp: String(message?.sentTimestamp ?? ''),
      SenderId: 'AROALOCAL',
      ApproximateFirstReceiveTimestamp: String(message?.approximateFirstReceiveTimestamp ?? ''),
    },
    messageAttributes: messageAttributes(MessageAttributes),
    md5OfBody: MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn(queue.name),
    awsRegion: region,
  };
};

/** When the queue will have something by itself: a delay or an invisibility ends. */
const nextDue = (queue: Queue): number | undefined => {
  const times = [
    ...queue.delayedMessages.map(({ delayUntil }) => delayUntil ?? 0),
    ...[...queue.inflightMessages.values()].map(({ visibilityDeadline }) => visibilityDeadline),
  ];
  return times.length > 0 ? times.reduce((soonest, time) => Math.min(soonest, time)) : undefined;
};

/** Calls the function. @returns the ids of the messages that must come again */
const failedOf = async (options: Options, mapping: QueueMapping, queue: Queue, messages: Message[]) => {
  const { invoke, onFailure } = options;
  const ids = messages.map(({ MessageId }) => MessageId);
  try {
    const Records = messages.map((message) => toRecord(queue, message));
    const response = await invoke(mapping.functionId, { Records });
    const failed = mapping.partialResponse ? failedItems(response, ids) : [];
    if (failed === 'all') throw new Error(`not a batch response: ${JSON.stringify(response)?.slice(0, 100)}`);
    if (failed.length > 0) onFailure(mapping, failed.length, new Error('reported as failed'));
    return new Set(failed);
  } catch (error) {
    onFailure(mapping, ids.length, error);
    return new Set(ids);
  }
};

/** One batch: what is done is deleted, the rest becomes visible again soon. */
const work = async (options: Options, mapping: QueueMapping, queue: Queue, messages: Message[]): Promise<void> => {
  const failed = await failedOf(options, mapping, queue, messages);
  for (const { MessageId, ReceiptHandle } of messages) {
    const receives = queue.inflightMessages.get(ReceiptHandle)?.message.approximateReceiveCount ?? 1;
    if (failed.has(MessageId)) queue.changeVisibility(ReceiptHandle, retrySeconds(receives));
    else queue.deleteMessage(ReceiptHandle);
  }
};

const isEmpty = (queue: Queue): boolean => {
  queue.processTimers();
  return queue.messages.length === 0 && queue.inflightMessages.size === 0;
};

type Consumer = { pump: () => void; isQuiet: () => boolean; stop: () => void; idle: () => boolean };

const startConsumer = (options: Options, mapping: QueueMapping): Consumer => {
  const { model, queues, activity, onFailure } = options;
  const queue = queues.queue(model.queues[mapping.queueId]?.name ?? mapping.queueId);
  let running = 0;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;

  const take = (messages: Message[]): void => {
    running++;
    work(options, mapping, queue, messages)
      .catch((error: unknown) => onFailure(mapping, messages.length, error))
      .finally(() => {
        running--;
        pump();
      });
  };
  const pump = (): void => {
    if (stopping) return;
    while (running < mapping.concurrency) {
      const messages = queue.dequeue(mapping.batchSize, undefined, queues.byArn);
      if (messages.length === 0) break;
      take(messages);
    }
    clearTimeout(timer);
    const due = nextDue(queue);
    if (due !== undefined) timer = setTimeout(pump, Math.min(maxSleepMilliseconds, Math.max(1, due - Date.now())));
    activity.changed();
  };
  const stop = (): void => {
    stopping = true;
    clearTimeout(timer);
  };
  return { pump, stop, idle: () => running === 0, isQuiet: () => isEmpty(queue) };
};

/** Starts at once, with what earlier processes left. */
export const startConsumers = (options: Options): Consumers => {
  const { model, activity } = options;
  const consumers = model.consumers.map((mapping) => ({ id: mapping.id, ...startConsumer(options, mapping) }));
  const pumpAll = (): void => {
    for (const { pump } of consumers) pump();
  };
  const unsubscribe = onQueueSend(pumpAll);
  pumpAll();
  return {
    isQuiet: () => consumers.every(({ isQuiet }) => isQuiet()),
    busy: () => consumers.filter(({ isQuiet }) => !isQuiet()).map(({ id }) => id),
    stop: async () => {
      unsubscribe();
      for (const { stop } of consumers) stop();
      for (let look = 0; look < maxStopLooks && consumers.some(({ idle }) => !idle()); look++) {
        await activity.change(stopLookMilliseconds);
      }
    },
  };
};
