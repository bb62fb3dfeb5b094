/** Lambda's own API: Invoke, and ListFunctions for the operators' tools. */
import type { Invoke, Model } from '../model.ts';
import { functionArn } from '../template/interpret.ts';
import { type Call, fault, parseJsonBody, type Reply } from './reply.ts';

const EVENT_BYTES = 1024 * 1024;
/** Smaller than AWS's, so that who lists must turn pages here too. */
const LISTED = 10;

export type LambdaApi = {
  model: Model;
  invoke: Invoke;
  /** What the functions' environment is by now. */
  environment: () => Record<string, string>;
  onEventFailure?: (functionId: string, error: unknown) => void;
};

/** All functions run in one process, which has one log. */
export const LOG_GROUP = '/aws/lambda/chorus-local';

/** By name, full or partial ARN, each with or without a qualifier; also by logical id. */
const findFunction = ({ functions }: Model, reference: string): string | undefined => {
  const name = /(?:^|:function:)([A-Za-z0-9_-]+)(?::[A-Za-z0-9$_-]+)?$/.exec(reference)?.[1] ?? reference;
  return Object.keys(functions).find((id) => id === name || functions[id]?.name === name);
};

const functionError = (error: unknown): Reply => {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return {
    status: 200,
    headers: { 'x-amz-function-error': 'Unhandled', 'x-amz-executed-version': '$LATEST' },
    body: { errorType: name, errorMessage: message, trace: [] },
  };
};

export const callFunction = async (
  { model, invoke, onEventFailure }: LambdaApi,
  { headers, body }: Call,
  reference: string,
  background: (work: Promise<void>) => void,
): Promise<Reply> => {
  const id = findFunction(model, reference);
  if (id === undefined) return fault(404, 'ResourceNotFoundException', `Function not found: ${reference}`);
  const parsed = parseJsonBody(body);
  if (!parsed) return fault(400, 'InvalidRequestContentException', 'Could not parse request body into json');
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type === 'DryRun') return { status: 204 };
  if (type === 'Event') {
    if (body.length > EVENT_BYTES) return fault(413, 'RequestTooLargeException', 'The event is larger than 1 MB');
    background(
      invoke(id, parsed.json).then(
        () => undefined,
        (error: unknown) => onEventFailure?.(id, error),
      ),
    );
    return { status: 202 };
  }
  try {
    const result = await invoke(id, parsed.json);
    return { status: 200, headers: { 'x-amz-executed-version': '$LATEST' }, body: result ?? null };
  } catch (error) {
    return functionError(error);
  }
};

/** A page of all functions, each with the environment that all of them share. */
export const listFunctions = ({ model, environment }: LambdaApi, { query }: Call): Reply => {
  const start = Number(new URLSearchParams(query).get('Marker') ?? 0);
  const all = Object.values(model.functions);
  // Lambda refuses variables of this prefix; they are this machine's.
  const Variables = Object.fromEntries(Object.entries(environment()).filter(([name]) => !name.startsWith('AWS_')));
  const Functions = all.slice(start, start + LISTED).map(({ name, timeoutSeconds }) => ({
    FunctionName: name,
    FunctionArn: functionArn(name),
    Timeout: timeoutSeconds,
    Environment: { Variables },
    LoggingConfig: { LogFormat: 'Text', LogGroup: LOG_GROUP },
  }));
  const next = start + LISTED;
  return { status: 200, body: { Functions, NextMarker: next < all.length ? String(next) : null } };
};
