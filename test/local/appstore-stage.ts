/** A local App Store with a webhook that says what the test wants, and the way in of the demo tenant's server. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { onTestFinished } from 'vitest';
import { createAppStoreApi } from '../../functions/purchases/appstore-api.ts';
import { openKeys } from '../../local/keys.ts';
import { startAppStore } from '../../local/providers/appstore.ts';
import { Act, type ActName } from '../../local/providers/appstore-acts.ts';
import { appStoreKey } from '../../local/secrets.ts';
import { type Json, request } from '../world.ts';
import { folder, tenants } from './stage.ts';

/** What the webhook answers, in turn; the last one for ever. `drop`: the connection is closed. */
export type Said = number | 'drop';

const listenTo = async (said: Said[]) => {
  const got: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const { signedPayload } = JSON.parse(Buffer.concat(await incoming.toArray()).toString('utf8'));
    const status = said[Math.min(got.length, said.length - 1)] ?? 200;
    got.push(signedPayload);
    for (const look of [...waiting]) look();
    if (status === 'drop') return void incoming.socket.destroy();
    response.writeHead(status).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  /** Resolves when so many came. */
  const came = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = () => {
        if (got.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const types = (): string[] => got.map((jws) => String(decodeJwt(jws).notificationType));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got, came, types };
};

type Options = { said?: Said[]; data?: string; hourMs?: number; now?: () => number };

export const openStore = async ({ said = [200], data = folder(), hourMs = 1, now = Date.now }: Options = {}) => {
  const hook = await listenTo(said);
  const keys = openKeys(data);
  const webhook = (tenant: string): string => `${hook.origin}/${tenant}`;
  const store = await startAppStore({ data, tenants, keys, webhook, hourMs, now });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= store.close();
    return closed;
  };
  onTestFinished(close);
  const act = (what: ActName, more: Json = {}) => store.shop.act(what, Act.parse(more));
  const demo = tenants.find(({ tenant }) => tenant === 'demo')?.purchases?.appstore;
  if (!demo) throw new Error('demo sells nothing');
  const config = { ...demo, production: store.production, sandbox: store.sandbox, roots: store.roots };
  const { pem } = await appStoreKey(keys, demo.key);
  const readKey = async (): Promise<string> => pem;
  /** Our own client, as the functions use it. */
  const api = (environment: 'Production' | 'Sandbox' = 'Production') =>
    createAppStoreApi({ now: () => new Date(now()), sleep: async () => undefined }, config, environment, { readKey });
  const ask = (method: string, path: string, more: Parameters<typeof request>[3] = {}) =>
    request(store.production, method, path, more);
  return { ...hook, store, act, api, ask, config, pem, readKey, data, close };
};
