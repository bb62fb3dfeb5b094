/**
 * Metrics, as CloudWatch reads them out of the log: its embedded metric format, which costs no call. Pure; core/log.ts
 * writes such a line with nothing before it.
 */
import { assert } from './assert.ts';

/** CloudWatch's own bounds. */
export const METRICS_LIMIT = 100;
export const VALUES_LIMIT = 100;
export const DIMENSIONS_LIMIT = 30;

type Unit = 'Count' | 'Milliseconds';
export type Metric = { unit: Unit; values: readonly number[] };
export type Directives = {
  /** Unix milliseconds. */
  Timestamp: number;
  CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: Unit }[] }[];
};

type Measured = { namespace: string; at: Date; dimensions: Record<string, string>; metrics: Record<string, Metric> };

/** A log entry's fields that are metrics too; one series for each metric and combination of dimensions. */
export const embedded = ({
  namespace,
  at,
  dimensions,
  metrics,
}: Measured): Record<string, string | number | readonly number[] | Directives> => {
  const entries = Object.entries(metrics);
  assert(entries.length > 0 && entries.length <= METRICS_LIMIT, 'too few or too many metrics for one line');
  assert(Object.keys(dimensions).length <= DIMENSIONS_LIMIT, 'too many dimensions');
  const Metrics = entries.map(([Name, { unit }]) => ({ Name, Unit: unit }));
  const values = entries.map(([name, metric]) => {
    assert(metric.values.length > 0 && metric.values.length <= VALUES_LIMIT, `${name} has too few or too many values`);
    return [name, metric.values.length === 1 ? (metric.values[0] ?? 0) : metric.values] as const;
  });
  return {
    _aws: {
      Timestamp: at.getTime(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [Object.keys(dimensions)], Metrics }],
    },
    ...dimensions,
    ...Object.fromEntries(values),
  };
};
