/** Of a tenant's file: what it sells, where, and what that gives. */
import { z } from 'zod';

/** Parts of a tenant's file that several sections share. */
type Shared = Record<'SafeUrl' | 'SecretName' | 'AppleTeam' | 'EntitlementName', z.ZodType<string, string>>;

const appStore = ({ SafeUrl, SecretName, AppleTeam }: Shared) =>
  z.strictObject({
    bundleId: z.string().regex(/^[A-Za-z0-9.-]{1,155}$/),
    /** The app's number in the App Store. */
    appAppleId: z.int().positive(),
    /** Whose payloads are taken. TestFlight and App Review buy in the sandbox. */
    environments: z
      .array(z.enum(['Production', 'Sandbox']))
      .min(1)
      .default(['Production', 'Sandbox']),
    /** Of the App Store Server API's key. */
    issuerId: z.guid(),
    keyId: AppleTeam,
    /** Parameter with the .p8 key (PEM). */
    key: SecretName,
    production: SafeUrl.default('https://api.storekit.apple.com'),
    sandbox: SafeUrl.default('https://api.storekit-sandbox.apple.com'),
    /** Certificates (DER, base64) that are trusted in place of Apple Root CA - G3: for a laptop and for tests alone. */
    roots: z.array(z.base64().min(1)).min(1).optional(),
  });

export const purchaseRules = (shared: Shared) =>
  z.strictObject({
    appstore: appStore(shared).optional(),
    /** What a product gives, by product id. A product that is not listed is kept and shown, and gives nothing. */
    products: z.record(
      z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/),
      z.strictObject({ entitlement: shared.EntitlementName }),
    ),
    /** When a second person claims a purchase: it stays where it is, or moves to who claims it. */
    restore: z.enum(['keep', 'transfer']).default('keep'),
    /** What Apple is told about a consumable that is to be refunded, if the person agreed to that. Absent: nothing, ever. */
    consumption: z
      .strictObject({
        sampleContentProvided: z.boolean(),
        refundPreference: z.enum(['DECLINE', 'GRANT_FULL', 'GRANT_PRORATED']).optional(),
      })
      .optional(),
    /** Is a change of what one is entitled to pushed? */
    push: z.boolean().default(false),
  });
