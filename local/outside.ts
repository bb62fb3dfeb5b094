/**
 * Everything that the outside sees of the laptop system, started together: the public port with both APIs and the
 * development routes, the AWS endpoints that handlers call, the push providers, the App Store, the issuer, the tenants' files.
 */
import { resolve } from 'node:path';
import { loadTenants, type Tenant } from '../core/tenants.ts';
import { startInside } from './gateway/aws.ts';
import { type DevRoutes, type Public, startPublic } from './gateway/gateway.ts';
import type { ReadLines } from './gateway/logs-api.ts';
import { createIssuer, issuerName, JWKS_PATH } from './issuer.ts';
import { type Keys, openKeys } from './keys.ts';
import { LOOPBACK } from './listen.ts';
import type { Invoke, Model } from './model.ts';
import { type AppStore, startAppStore } from './providers/appstore.ts';
import { appStoreRoutes } from './providers/appstore-routes.ts';
import { type Providers, startProviders } from './providers/providers.ts';
import { pushRoutes } from './providers/push-routes.ts';
import { createSecrets } from './secrets.ts';
import { type Changes, deriveTenants, type Origins } from './tenants.ts';

type Options = Changes & {
  /** The data folder, which exists and is the caller's alone. */
  data: string;
  /** 0 for any free one. */
  port: number;
  /** Folder of the tenants as they are deployed. */
  tenants: string;
  /** As long as one hour of the local App Store's takes. */
  appStoreHourMs?: number | undefined;
  model: Model;
  /** Called as soon as the first request comes in. */
  invoke: Invoke;
  /** What the functions' environment is by now. */
  environment: () => Record<string, string>;
  /** What the functions logged, oldest first. */
  readLines: ReadLines;
  onEventFailure?: (functionId: string, error: unknown) => void;
};

export type Outside = {
  port: number;
  http: string;
  ws: string;
  /** For the handlers, over the template's own. */
  env: Record<'TENANTS_DIR' | 'SOCKETS_ENDPOINT' | `AWS_ENDPOINT_URL_${'LAMBDA' | 'SSM' | 'CLOUDWATCH_LOGS'}`, string>;
  /** Nothing that came from outside is under way. */
  idle(): boolean;
  /** Closes sockets first, with $disconnect; so the handlers must still work. */
  close(): Promise<void>;
};

type Stores = { providers: Providers; appStore: AppStore };

/** The tenants' files, with everything that stands in them for a server elsewhere replaced by one of these. */
const localTenants = (options: Options, origins: Omit<Origins, 'appstore'>, { production, sandbox, roots }: AppStore) =>
  deriveTenants(
    options.tenants,
    resolve(options.data, 'tenants'),
    { ...origins, appstore: { production, sandbox, roots } },
    options,
  );

const startStores = async (options: Options, tenants: Tenant[], keys: Keys, origin: string): Promise<Stores> => {
  const { data, appStoreHourMs: hourMs } = options;
  const webhook = (tenant: string): string => `${origin}/v1/appstore/notifications/${tenant}`;
  const [providers, appStore] = await Promise.all([
    startProviders({ data, tenants, keys }),
    startAppStore({ data, tenants, keys, webhook, ...(hourMs !== undefined && { hourMs }) }),
  ]);
  return { providers, appStore };
};

/** Now, and not at the next hour. */
const reconcileBy =
  ({ model, invoke }: Pick<Options, 'model' | 'invoke'>) =>
  async (): Promise<unknown> => {
    const entry = 'functions/purchases/reconcile.schedule.ts';
    const [id] = Object.entries(model.functions).find(([, fn]) => fn.entry === entry) ?? [];
    return id === undefined ? undefined : invoke(id, { time: new Date().toISOString() });
  };

const furnish = async (options: Options, deployed: Tenant[], face: Public, dev: DevRoutes): Promise<Outside> => {
  const { data } = options;
  const origin = `http://${LOOPBACK}:${face.port}`;
  const keys = openKeys(data);
  const { providers, appStore } = await startStores(options, deployed, keys, origin);
  const { apns, apnsSandbox, fcm } = providers;
  const issuer = issuerName(data, origin);
  const jwksUri = `${origin}${JWKS_PATH}`;
  const tenants = localTenants(options, { issuer, jwksUri, apns, apnsSandbox, fcm }, appStore);
  const { routes } = await createIssuer({ keys, issuer, origin, tenants });
  // The routes need the port, and the port is bound first: so they join the served ones only now.
  Object.assign(dev, routes, pushRoutes(providers), appStoreRoutes(appStore, reconcileBy(options)));
  const parameter = createSecrets(tenants, keys, `${fcm}/token`);
  const inside = await startInside({ ...options, connections: face.connections, parameter });
  return {
    port: face.port,
    http: origin,
    ws: `ws://${LOOPBACK}:${face.port}`,
    env: {
      TENANTS_DIR: resolve(data, 'tenants'),
      SOCKETS_ENDPOINT: inside.origin,
      AWS_ENDPOINT_URL_LAMBDA: inside.origin,
      AWS_ENDPOINT_URL_SSM: inside.origin,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: inside.origin,
    },
    idle: () => face.idle() && inside.idle() && appStore.idle(),
    close: async () => {
      await face.close();
      await Promise.all([inside.close(), providers.close(), appStore.close()]);
    },
  };
};

/**
 * Starts it all. The public port is bound first: a taken one is the likeliest reason to fail.
 * @throws StartError for a port that cannot be had, TenantError for a broken tenant file
 */
export const startOutside = async (options: Options): Promise<Outside> => {
  const { port, model, invoke } = options;
  const deployed = loadTenants(options.tenants);
  const dev: DevRoutes = {};
  const face = await startPublic({ port, model, invoke, dev });
  try {
    return await furnish(options, deployed, face, dev);
  } catch (error) {
    await face.close();
    throw error;
  }
};
