/** The same CDK template that AWS and `local/` interpret, and the handler files that it names. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dispatch } from '../../core/dispatch.ts';
import type { FunctionModel, Model } from '../../local/model.ts';
import { interpret } from '../../local/template/interpret.ts';
import { loadTemplate, root } from '../../local/template/template.ts';
import { createFilter } from '../../local/triggers/filter.ts';
import { installPorts } from './process.ts';

export type Handler = (event: never, context: object) => Promise<unknown>;
export type Loaded = {
  model: Model;
  handlers: ReadonlyMap<string, Handler>;
  /** Does a mapping let this record through? By mapping id. */
  filters: ReadonlyMap<string, (record: unknown) => boolean>;
};

const importHandler = async (file: string): Promise<Handler> => {
  const module: { handler?: unknown } = await import(pathToFileURL(join(root, file)).href);
  if (typeof module.handler !== 'function') throw new Error(`${file} has no handler`);
  return module.handler as Handler;
};

const load = async ({ entry, routes = {} }: FunctionModel): Promise<Handler> => {
  if (entry !== undefined) return importHandler(entry);
  const handlers: Record<string, Handler> = {};
  for (const [routeKey, file] of Object.entries(routes)) handlers[routeKey] = await importHandler(file);
  return dispatch(handlers);
};

/** Once for a thread: environment, ports, and every handler but those that verify tokens at an issuer. */
export const loadSystem = async (): Promise<Loaded> => {
  const model = interpret(await loadTemplate(), 'http://queues');
  Object.assign(process.env, model.env, {
    TENANTS_DIR: join(root, 'tenants'),
    SOCKETS_ENDPOINT: 'http://sockets',
  });
  installPorts();
  const handlers = new Map<string, Handler>();
  for (const [id, fn] of Object.entries(model.functions)) handlers.set(id, await load(fn));
  const filters = new Map(model.streams.map(({ id, filters: patterns }) => [id, createFilter(patterns, id)]));
  return { model, handlers, filters };
};
