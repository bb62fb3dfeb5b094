/** Notifications that are about no purchase of one customer, or about many. */
import { type Told, tell } from './appstore-life-payloads.ts';
import { Impossible, isSubscription, type Product, type World } from './appstore-life-state.ts';
import { extend } from './appstore-life-subscriptions.ts';

type Life = World<Told>;

export const test = (world: Life): void => tell(world, 'TEST');

/** Duties of apps that sell outside the App Store. In the sandbox only the id says so. */
export const externalPurchase = (world: Life, what: 'CREATED' | 'ACTIVE_TOKEN_REMINDER' | 'UNREPORTED'): void => {
  const { bundleId, appAppleId, environment, uuid } = world.options;
  const externalPurchaseId = `${environment === 'Sandbox' ? 'SANDBOX_' : ''}${uuid()}`;
  const externalPurchaseToken = { externalPurchaseId, tokenCreationDate: world.clock, appAppleId, bundleId };
  tell(world, 'EXTERNAL_PURCHASE_TOKEN', what, { externalPurchaseToken });
};

/** A guardian no longer agrees. */
export const rescindConsent = (world: Life): void => {
  const { bundleId, appAppleId, environment } = world.options;
  tell(world, 'RESCIND_CONSENT', undefined, { appData: { bundleId, appAppleId, environment } });
};

/** More days for everyone who has a product, as after an outage: one by one, who could not be given any, and the sum. */
export const extendAll = (world: Life, product: Product, ms: number): void => {
  const { bundleId, appAppleId, environment } = world.options;
  let [succeededCount, failedCount] = [0, 0];
  for (const line of [...world.lines.values()]) {
    if (line.product !== product || line.payer || !isSubscription(line.product)) continue;
    try {
      extend(world, line, ms);
      succeededCount += 1;
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      failedCount += 1;
      tell(world, 'RENEWAL_EXTENSION', 'FAILURE', { line });
    }
  }
  const counts = { succeededCount, failedCount };
  const asked = { requestIdentifier: world.options.uuid(), productId: product.id, storefrontCountryCodes: ['USA'] };
  const app = { bundleId, environment, ...(environment === 'Production' && { appAppleId }) };
  tell(world, 'RENEWAL_EXTENSION', 'SUMMARY', { summary: { ...app, ...asked, ...counts } });
};
