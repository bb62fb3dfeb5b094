/** The same CDK template that AWS and `local/` interpret, and the handler files that it names. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dispatch } from '../../core/dispatch.ts';
import { loadTenants, type Tenant } from '../../core/tenants.ts';
import type { FunctionModel, Model } from '../../local/model.ts';
import { interpret } from '../../local/template/interpret.ts';
import { loadTemplate, root } from '../../local/template/template.ts';
import { createFilter } from '../../local/triggers/filter.ts';
import { createSigner, type Signer } from './appstore/signing.ts';
import { simulatedLimits } from './flood.ts';
import { installPorts } from './process.ts';

export type Handler = (event: never, context: object) => Promise<unknown>;
export type Loaded = {
  model: Model;
  handlers: ReadonlyMap<string, Handler>;
  /** Does a mapping let this record through? By mapping id. */
  filters: ReadonlyMap<string, (record: unknown) => boolean>;
  tenants: readonly Tenant[];
  /** Signs what the App Store would. */
  signer: Signer;
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

/** The tenants as they are, but with room, and trust in the simulation's own App Store. @returns their folder */
const trusting = (tenants: readonly Tenant[], { roots }: Signer): string => {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-sim-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const trusted = roots.map((root) => root.toString('base64'));
  for (const { purchases: { appstore, ...purchases } = {}, ...tenant } of tenants) {
    const sold = { ...purchases, ...(appstore && { appstore: { ...appstore, roots: trusted } }) };
    writeFileSync(
      join(folder, `${tenant.tenant}.json`),
      JSON.stringify({ ...tenant, limits: simulatedLimits, purchases: sold }),
    );
  }
  return folder;
};

/** Once for a thread: environment, ports, and every handler but those that verify tokens at an issuer. */
export const loadSystem = async (): Promise<Loaded> => {
  const model = interpret(await loadTemplate(), 'http://queues');
  const [signer, tenants] = [createSigner(), loadTenants(join(root, 'tenants'))];
  Object.assign(process.env, model.env, {
    TENANTS_DIR: trusting(tenants, signer),
    SOCKETS_ENDPOINT: 'http://sockets',
  });
  installPorts();
  const handlers = new Map<string, Handler>();
  for (const [id, fn] of Object.entries(model.functions)) handlers.set(id, await load(fn));
  const filters = new Map(model.streams.map(({ id, filters: patterns }) => [id, createFilter(patterns, id)]));
  // Loaded on demand where nobody waits for it; here every step is counted.
  await import('../../functions/purchases/appstore-verifier.ts');
  return { model, handlers, filters, tenants, signer };
};
