/** Runs the functions in this process: one environment, handler files by the paths in the template. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dispatch } from '../core/dispatch.ts';
import type { Activity } from './activity.ts';
import { StartError } from './errors.ts';
import type { FunctionModel, Invoke, Model } from './model.ts';
import { functionArn } from './template/interpret.ts';

type Handler = (event: never, context: object) => Promise<unknown>;

let bound: Record<string, string> | undefined;

/**
 * Gives all functions their environment. Once for the process: handler files read it when they are first used, and keep
 * their clients.
 * @throws StartError when they already got another one
 */
export const bindEnvironment = (env: Record<string, string>): void => {
  const changed = Object.keys(env).find((name) => bound && bound[name] !== env[name]);
  if (changed)
    throw new StartError(`the functions in this process already have another ${changed}: start a second process`);
  Object.assign(process.env, env);
  bound = env;
};

const importHandler = async (root: string, file: string): Promise<Handler> => {
  const module: { handler?: unknown } = await import(pathToFileURL(join(root, file)).href);
  if (typeof module.handler !== 'function') throw new StartError(`${file} must export a function named handler`);
  return module.handler as Handler;
};

const loadFunction = async (root: string, { entry, routes }: FunctionModel): Promise<Handler> => {
  if (entry !== undefined) return importHandler(root, entry);
  const handlers = Object.entries(routes ?? {}).map(
    async ([routeKey, file]) => [routeKey, await importHandler(root, file)] as const,
  );
  return dispatch(Object.fromEntries(await Promise.all(handlers)));
};

/** What Lambda hands over besides the event. */
const contextOf = ({ name, timeoutSeconds }: FunctionModel): object => {
  const deadline = Date.now() + timeoutSeconds * 1000;
  return {
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn(name),
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
};

/** Events and results travel as JSON, so that nobody can share an object by accident. */
const throughJson = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** Rejects at the function's time limit. Unlike on Lambda it goes on running: nothing can stop it in this process. */
const withTimeout = async (work: Promise<unknown>, { name, timeoutSeconds }: FunctionModel): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} timed out after ${timeoutSeconds} s`)), timeoutSeconds * 1000);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Imports every handler file; the environment must be bound before.
 * @param root folder that the paths in the template start from
 * @throws StartError for a file without a handler; whatever a file throws while it loads
 */
export const loadFunctions = async (
  root: string,
  { functions }: Pick<Model, 'functions'>,
  activity: Activity,
): Promise<Invoke> => {
  const loading = Object.entries(functions).map(
    async ([id, model]) => [id, { model, handler: await loadFunction(root, model) }] as const,
  );
  const loaded = new Map(await Promise.all(loading));
  return async (functionId, event) => {
    const found = loaded.get(functionId);
    if (!found) throw new Error(`no function ${functionId}`);
    const { model, handler } = found;
    activity.begin();
    try {
      // The event is of the shape that the handler's trigger makes; the template ties the two together.
      const work = (async () => handler(throughJson(event) as never, contextOf(model)))();
      return throughJson(await withTimeout(work, model));
    } finally {
      activity.end();
    }
  };
};
