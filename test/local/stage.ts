/** A stage for tests of local/: a model with a few functions, an empty data folder, local push servers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadTenants } from '../../core/tenants.ts';
import { openKeys } from '../../local/keys.ts';
import type { HttpRoute, Invoke, Model } from '../../local/model.ts';
import { startProviders } from '../../local/providers/providers.ts';
import { createSecrets } from '../../local/secrets.ts';

export const tenants = loadTenants('tenants');

/** A folder that is gone after the test. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'chorus-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

type Functions = Record<string, (event: never) => unknown>;

/** Functions by logical id. */
export const invokes =
  (functions: Functions): Invoke =>
  async (id, event) => {
    const run = functions[id];
    if (!run) throw new Error(`the test has no function ${id}`);
    return run(event as never);
  };

export const modelOf = (routes: HttpRoute[], functions: Functions = {}): Model => ({
  env: {},
  functions: Object.fromEntries(Object.keys(functions).map((id) => [id, { name: `name-of-${id}`, timeoutSeconds: 3 }])),
  http: { routes },
  sockets: {
    routes: {
      $connect: { functionId: 'connect', returnsResponse: false },
      $disconnect: { functionId: 'disconnect', returnsResponse: false },
      $default: { functionId: 'frame', returnsResponse: true },
    },
    authorizerId: 'ticket',
    identitySources: ['route.request.querystring.ticket', 'route.request.querystring.device'],
  },
  tables: {},
  streams: [],
  consumers: [],
  queues: {},
  buckets: {},
  schedules: [],
});

/** For a system that no operator asks about itself. */
export const unasked = {
  environment: () => ({}),
  readLines: async function* () {
    yield* [];
  },
};

/** Local APNs and FCM with the secrets that they know. A test may sign as many APNs tokens as it likes. */
export const providers = async (data = folder(), changeSeconds = 0) => {
  const keys = openKeys(data);
  const started = await startProviders({ data, tenants, keys, changeSeconds });
  onTestFinished(() => started.close());
  return { ...started, secret: createSecrets(tenants, keys, `${started.fcm}/token`) };
};
