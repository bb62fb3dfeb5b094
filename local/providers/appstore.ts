/**
 * A local App Store: sells by its model, signs with a PKI of its own, delivers notifications as Apple does, and serves the App Store
 * Server API for production and sandbox, each on a loopback port over plain HTTP.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Tenant } from '../../core/tenants.ts';
import { target } from '../gateway/api-context.ts';
import { createBusy, readBody, TOO_LARGE } from '../gateway/body.ts';
import type { Keys } from '../keys.ts';
import { close, LOOPBACK, listen } from '../listen.ts';
import { answerQuestion } from './appstore-answers.ts';
import { authenticate } from './appstore-auth.ts';
import { type Notices, openNotices, type StoreEnvironment } from './appstore-book.ts';
import type { ConsumptionTold } from './appstore-consumption.ts';
import { createDelivery } from './appstore-delivery.ts';
import { type Answer, apiFaults, appleError, unauthenticated } from './appstore-errors.ts';
import { type AppStoreFaults, createAppStoreFaults } from './appstore-faults.ts';
import { openPki } from './appstore-pki.ts';
import { openShop, type Shop } from './appstore-shop.ts';
import { linger } from './faults.ts';

const BODY_BYTES = 64 * 1024;
/** As long as one of Apple's hours takes here. */
export const HOUR_MS = 200;

export type AppStore = {
  production: string;
  sandbox: string;
  /** What tenants trust here: DER, base64. */
  roots: string[];
  shop: Shop;
  notices: Notices;
  faults: AppStoreFaults;
  /** What it was told of consumption. */
  told: ConsumptionTold[];
  /** Nothing is being delivered or answered. */
  idle: () => boolean;
  close: () => Promise<void>;
};

type Options = {
  data: string;
  tenants: readonly Tenant[];
  keys: Keys;
  /** Where a tenant's notifications go. */
  webhook: (tenant: string) => string;
  hourMs?: number;
  now?: () => number;
};
type State = Pick<AppStore, 'shop' | 'notices' | 'faults' | 'told'> & Options & { now: () => number };
type Outcome = Answer | 'silence';

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
};

const answer = async (state: State, environment: StoreEnvironment, request: IncomingMessage): Promise<Outcome> => {
  const body = await readBody(request, BODY_BYTES);
  if (body === TOO_LARGE) return appleError('GeneralBadRequest');
  const tenant = await authenticate(state.tenants, state.keys, request.headers.authorization, state.now());
  const config = tenant?.purchases?.appstore;
  if (!tenant || !config) return unauthenticated;
  const fault = state.faults.next('api', tenant.tenant);
  if (fault?.fault === 'silence') return 'silence';
  if (fault?.fault === 'slow') await linger(fault.ms, request.socket);
  const planned = fault && apiFaults(state.now() + fault.ms)[fault.fault];
  if (planned) return planned;
  const { path, query } = target(request) ?? { path: '/', query: '' };
  const app = { tenant: tenant.tenant, bundleId: config.bundleId, appAppleId: config.appAppleId, environment };
  const question = { ...app, query: new URLSearchParams(query), body: parseJson(body) };
  return answerQuestion(state, request.method ?? 'GET', path, question) ?? { status: 404, text: 'Not Found\n' };
};

const handle = async (
  state: State,
  environment: StoreEnvironment,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const outcome = await answer(state, environment, request);
  if (outcome === 'silence' || response.destroyed) return;
  const { status, body, text, headers } = outcome;
  const type = body === undefined ? (text?.startsWith('<') ? 'text/html' : 'text/plain') : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(body === undefined ? text : JSON.stringify(body));
};

export const startAppStore = async (options: Options): Promise<AppStore> => {
  const { data, tenants, webhook, hourMs = HOUR_MS, now = Date.now } = options;
  const pki = openPki(data);
  const notices = openNotices(join(data, 'appstore-notices.jsonl'));
  const faults = createAppStoreFaults();
  const delivery = createDelivery({ notices, faults, url: webhook, hourMs, now });
  const shop = openShop({ data, tenants, pki, notices, deliver: delivery.send, now });
  for (const { tenant } of tenants)
    for (const environment of ['Production', 'Sandbox'] as const)
      for (const notice of notices.list(tenant, environment)) delivery.send(notice);
  const state: State = { ...options, now, shop, notices, faults, told: [] };
  const busy = createBusy();
  const serve = async (environment: StoreEnvironment): Promise<{ origin: string; server: Server }> => {
    const server = createServer((request, response) => {
      void busy.track(handle(state, environment, request, response).catch(() => response.destroy()));
    });
    return { origin: `http://${LOOPBACK}:${await listen(server)}`, server };
  };
  const [production, sandbox] = await Promise.all([serve('Production'), serve('Sandbox')]);
  return {
    production: production.origin,
    sandbox: sandbox.origin,
    roots: pki.roots.map((root) => root.toString('base64')),
    ...{ shop, notices, faults, told: state.told },
    idle: () => delivery.idle() && busy.count() === 0,
    close: async () => {
      delivery.close();
      await Promise.all([close(production.server), close(sandbox.server)]);
    },
  };
};
