/** appstore test: asks Apple for a TEST notification, and waits until the webhook has kept it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Deps } from '../core/deps.ts';
import { allTenants } from '../core/env.ts';
import type { Tenant } from '../core/tenants.ts';
import { createAppStoreApi } from '../functions/purchases/appstore-api.ts';
import { chainOf } from '../functions/purchases/appstore-facts.ts';
import { readStored } from '../functions/purchases/appstore-verified.ts';
import { type Entry, readChain } from '../functions/purchases/audit.ts';
import { StoreError } from '../functions/purchases/store-error.ts';
import { type Command, OpsError, textOf, UsageError } from './command.ts';

/** Apple delivers within seconds, and tries again after an hour. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 500;

type App = { tenant: Tenant; environment: 'Production' | 'Sandbox' };

const appOf = (name: string, wanted: string | undefined): App => {
  const tenant = allTenants().get(name);
  const config = tenant?.purchases?.appstore;
  if (!tenant || !config) throw new UsageError(`${name} is no tenant that sells in the App Store`);
  const [first] = config.environments;
  const environment =
    wanted === undefined ? first : config.environments.find((each) => each.toLowerCase() === wanted.toLowerCase());
  if (!environment) throw new UsageError(`--environment is one of ${config.environments.join(', ').toLowerCase()}`);
  return { tenant, environment };
};

const isTest = ({ source, raw }: Entry): boolean =>
  source === 'notification' && readStored('notification', raw).type === 'TEST';

/** How many TEST notifications of this month are in the audit. */
const countTests = async (deps: Deps, { tenant, environment }: App): Promise<number> => {
  const chain = chainOf({ environment, signed: deps.now().getTime(), type: 'TEST' });
  return (await readChain(deps, tenant.tenant, chain)).filter(isTest).length;
};

const ask = async (deps: Deps, { tenant, environment }: App): Promise<string> => {
  const config = tenant.purchases?.appstore;
  if (!config) throw new UsageError(`${tenant.tenant} sells nothing in the App Store`);
  try {
    return await (await createAppStoreApi(deps, config, environment)).requestTest();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new OpsError(`the App Store did not take the request: ${error.message}`);
  }
};

const arrives = async (deps: Deps, app: App, before: number): Promise<boolean> => {
  const until = deps.now().getTime() + PATIENCE_MS;
  while (deps.now().getTime() < until) {
    if ((await countTests(deps, app)) > before) return true;
    await pause(LOOK_MS);
  }
  return false;
};

export const appstore: Command = {
  name: 'appstore',
  summary: 'see whether notifications of the App Store arrive',
  usage: `test <tenant> [--environment production|sandbox]

Asks the App Store to send a TEST notification to the tenant's webhook, and waits up to a minute until it is in the audit.`,
  flags: { environment: { value: 'name', help: 'production or sandbox; the first that the tenant takes' } },
  run: async ({ deps }, [what, tenant = '', ...rest], flags, out) => {
    if (what !== 'test' || rest.length > 0) throw new UsageError('appstore has test <tenant>, and nothing else');
    const app = appOf(tenant, textOf(flags, 'environment'));
    const before = await countTests(deps, app);
    const token = await ask(deps, app);
    const arrived = await arrives(deps, app, before);
    out.json({ tenant, environment: app.environment, token, arrived });
    out.line(
      arrived
        ? `It arrived, and is in the audit (${token}).`
        : `The App Store took the request (${token}), and nothing arrived: is the webhook's URL right in App Store Connect?`,
    );
    return arrived ? 0 : 1;
  },
};
