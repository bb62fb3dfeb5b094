/** What became of a batch of push jobs, as metrics: one log line for each tenant and provider among them. */
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { embedded, type Metric, VALUES_LIMIT } from '../../core/metrics.ts';
import type { HeldBy } from './holds.ts';

const counts = {
  sent: 'PushesSent',
  skipped: 'PushesSkipped',
  /** Put off by the provider or the device's budget. */
  retried: 'PushesRetried',
  failed: 'PushesFailed',
  /** The provider knows the address no more. */
  gone: 'PushesGone',
  /** Put off because the provider does not take our credentials. */
  held: 'PushesHeld',
} as const;
export type Became = keyof typeof counts;

export type Measure = {
  tenant: TenantId;
  /** `none`: skipped before its address was looked at. */
  provider: HeldBy | 'none';
  became: Became;
  /** From the event to the provider's acceptance, of what was shown. */
  ms?: number;
};

/** Classes that did not occur are left out: every series is paid for. */
const metricsOf = (measures: readonly Measure[]): Record<string, Metric> => {
  const classes = Map.groupBy(measures, ({ became }) => counts[became]);
  const latencies = measures.flatMap(({ ms }) => (ms === undefined ? [] : [ms])).slice(0, VALUES_LIMIT);
  return {
    ...Object.fromEntries([...classes].map(([name, { length }]) => [name, { unit: 'Count', values: [length] }])),
    ...(latencies.length > 0 && { PushLatency: { unit: 'Milliseconds', values: latencies } }),
  };
};

export const tellMeasures = ({ log, now, env }: Pick<Deps, 'log' | 'now' | 'env'>, all: readonly Measure[]): void => {
  for (const measures of Map.groupBy(all, ({ tenant, provider }) => `${tenant} ${provider}`).values()) {
    const [{ tenant, provider } = { tenant: '', provider: '' }] = measures;
    const about = {
      namespace: `chorus-${env.STAGE ?? 'local'}`,
      at: now(),
      dimensions: { Tenant: tenant, Provider: provider },
    };
    log({ level: 'info', msg: 'measured', ...embedded({ ...about, metrics: metricsOf(measures) }) });
  }
};
