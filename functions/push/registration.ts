/** What an app says when it registers, and what of it is refused before anything is written. Pure. */
import { z } from 'zod';
import { PushAddress } from '../../core/devices.ts';
import { problems } from '../../core/problem.ts';
import type { Tenant } from '../../core/tenants.ts';

const platforms = {
  apns: 'ios',
  'apns-live-activity': 'ios',
  'fcm-token': 'android',
  'fcm-fid': 'android',
} as const satisfies Record<PushAddress['kind'], string>;
type Kind = keyof typeof platforms;

const apnsToken = { form: /^[0-9a-f]{64,200}$/, rule: 'must be an APNs token in hex, 64 to 200 digits' };
const forms: Record<Kind, { form: RegExp; rule: string }> = {
  apns: apnsToken,
  'apns-live-activity': apnsToken,
  'fcm-token': { form: /^[\x21-\x7e]{1,4096}$/, rule: 'must be 1 to 4,096 printable ASCII characters' },
  'fcm-fid': { form: /^[A-Za-z0-9_-]{22}$/, rule: 'must be 22 of letters, digits, _ and -' },
};

/** Hex says the same in either case: the same token is the same address. */
const Address = PushAddress.transform((address) =>
  address.kind.startsWith('apns') ? { ...address, value: address.value.toLowerCase() } : address,
).superRefine(({ kind, value, environment }, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  const { form, rule } = forms[kind];
  if (!form.test(value)) refuse('value', rule);
  if (platforms[kind] === 'android' && environment === 'sandbox') refuse('environment', 'must be production for FCM');
});

/** Whatever has a name, as phones say it: Europe/Berlin, GMT, Japan. Offsets, as +02:00, know no summer. */
const isTimeZone = (name: string): boolean => {
  if (/^[+-]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
};

/** As it is written on the web; Android and iOS say pt_BR too. */
const canonical = (tag: string): string | undefined => {
  try {
    return Intl.getCanonicalLocales(tag.replaceAll('_', '-'))[0];
  } catch {
    return undefined;
  }
};
const Locale = z
  .string()
  .max(64, 'must have at most 64 characters')
  .transform((tag, context) => {
    const known = canonical(tag);
    if (known !== undefined) return known;
    context.addIssue({ code: 'custom', message: 'must be a language tag such as en or pt-BR' });
    return z.NEVER;
  });

export const Registration = z
  .strictObject({
    platform: z.enum(['ios', 'android']),
    push: Address.optional(),
    activity: Address.optional(),
    locale: Locale,
    timeZone: z
      .string()
      .max(64, 'must have at most 64 characters')
      .refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC')
      .optional(),
    appVersion: z.string().regex(/^[A-Za-z0-9.+_-]{1,40}$/, 'must be 1 to 40 of letters, digits and . + _ -'),
  })
  .superRefine(({ platform, push, activity }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const isActivity = push?.kind === 'apns-live-activity';
    if (isActivity) refuse(['push', 'kind'], 'must be apns, fcm-token or fcm-fid; a Live Activity belongs in activity');
    else if (push && platforms[push.kind] !== platform) refuse(['push', 'kind'], `is no kind of ${platform}`);
    if (!activity) return;
    if (platform !== 'ios') refuse(['activity'], 'is for ios only');
    else if (activity.kind !== 'apns-live-activity') refuse(['activity', 'kind'], 'must be apns-live-activity');
    else if (activity.value === push?.value) refuse(['activity', 'value'], 'must be another token than that of push');
  });
export type Registration = z.infer<typeof Registration>;

const checkReach = ({ push: { apns, fcm } }: Tenant, field: 'push' | 'activity', address: PushAddress): void => {
  const { kind, app, environment } = address;
  const isApple = platforms[kind] === 'ios';
  const refuse = (name: string, rule: string) => problems.invalid([{ field: `body.${field}.${name}`, rule }]);
  if (!(isApple ? apns?.topics : fcm?.apps)?.includes(app)) throw refuse('app', `is not an app of yours for ${kind}`);
  if (isApple && !apns?.environments.includes(environment))
    throw refuse('environment', 'is not one that your app registers in');
};

/** @throws Problem `invalid` for an address that this tenant can't reach */
export const checkAddresses = (tenant: Tenant, { push, activity }: Registration): void => {
  if (push) checkReach(tenant, 'push', push);
  if (activity) checkReach(tenant, 'activity', activity);
};
