/** What an entry of the audit that came from the App Store says, in our words. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import type { TenantId } from '../../core/ids.ts';
import { parseJson } from '../../core/json.ts';
import { errorName } from '../../core/log.ts';
import { requestOf } from './appstore-consumption.ts';
import { factOf } from './appstore-facts.ts';
import type { Entry } from './audit.ts';
import { checkRevocation } from './revocation.ts';
import type { Said } from './stores.ts';
import {
  isRefusal,
  readStored,
  SignedStatus,
  trustOf,
  verifyNotification,
  verifyStatus,
  verifyTransaction,
} from './verify.ts';

const Source = z.enum(['notification', 'transaction', 'status']);

/** As it was when it was verified. @throws ZodError for one that nobody can read */
export const readEntry = ({ source, raw }: Entry): Said => {
  const fact = factOf(readStored(Source.parse(source), raw));
  return fact ? { fact, asks: requestOf(fact)?.id } : {};
};

/**
 * Asks whether who signed an entry may still sign: what is found is heeded by the next verification. That nobody could be
 * asked is nobody's fault here.
 */
export const checkSigner = async (deps: Deps, tenant: TenantId, { source, raw }: Entry): Promise<void> => {
  try {
    const jws = source === 'status' ? SignedStatus.parse(parseJson(raw)).signedTransactionInfo : raw;
    await checkRevocation(deps, tenantOf(tenant), jws);
  } catch (error) {
    deps.log({ level: 'warn', msg: 'signer not checked', tenant, error: errorName(error) });
  }
};

/** Verifies once more what stands in the audit, as of when it was received. Of a tenant that sells no more nothing can be told. */
export const isGenuine = async (tenant: TenantId, { source, raw, received }: Entry): Promise<boolean> => {
  const config = tenantOf(tenant);
  if (!config.purchases?.appstore) return true;
  const [trust, then, demands] = [trustOf(config), new Date(received), { live: false }];
  switch (Source.safeParse(source).data) {
    case 'notification':
      return !isRefusal(await verifyNotification(trust, raw, then, demands));
    case 'transaction':
      return !isRefusal(await verifyTransaction(trust, raw, then, demands));
    case 'status':
      return !isRefusal(await verifyStatus(trust, parseJson(raw), then, demands));
    default:
      return false;
  }
};
