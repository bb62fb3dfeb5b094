/** The push servers of Apple and Google, started together, and the phones behind them. */
import { join } from 'node:path';
import type { Tenant } from '../../core/tenants.ts';
import type { Keys } from '../keys.ts';
import { startApns } from './apns.ts';
import { CHANGE_SECONDS, type Teams } from './apns-token.ts';
import { createFaults, type Faults } from './faults.ts';
import { startFcm } from './fcm.ts';
import { openPhones, type Push } from './phones.ts';

export type Providers = {
  /** APNs' production host. */
  apns: string;
  apnsSandbox: string;
  fcm: string;
  faults: Faults;
  pushes(token?: string): Push[];
  clear(): void;
  close(): Promise<void>;
};

type Options = {
  data: string;
  tenants: Tenant[];
  keys: Keys;
  /** A team's APNs token may change once in so many seconds; 0 for as often as it likes. */
  changeSeconds?: number;
};

export const startProviders = async ({ changeSeconds = CHANGE_SECONDS, data, ...o }: Options): Promise<Providers> => {
  const phones = openPhones(join(data, 'pushes.jsonl'));
  const faults = createFaults();
  const teams: Teams = new Map();
  const apple = { ...o, phones, faults, teams, changeSeconds };
  const [apns, apnsSandbox, fcm] = await Promise.all([
    startApns({ ...apple, environment: 'production' }),
    startApns({ ...apple, environment: 'sandbox' }),
    startFcm({ ...o, phones, faults }),
  ]);
  return {
    apns: apns.origin,
    apnsSandbox: apnsSandbox.origin,
    fcm: fcm.origin,
    faults,
    pushes: phones.pushes,
    clear: phones.clear,
    close: async () => {
      await Promise.all([apns.close(), apnsSandbox.close(), fcm.close()]);
    },
  };
};
