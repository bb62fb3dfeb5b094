/** Metrics in the log are what CloudWatch's embedded metric format asks for, whatever is counted. */
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { log } from '../../core/log.ts';
import { DIMENSIONS_LIMIT, embedded, METRICS_LIMIT, type Metric, VALUES_LIMIT } from '../../core/metrics.ts';
import { readMetrics } from './embedded.ts';

const at = new Date('2026-01-01T00:00:00.000Z');

const count = (values: number[] = [1]): Metric => ({ unit: 'Count', values });
const name = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !['_aws', '__proto__'].includes(text));
const metric: fc.Arbitrary<Metric> = fc.record({
  unit: fc.constantFrom('Count', 'Milliseconds'),
  values: fc.array(fc.nat(), { minLength: 1, maxLength: VALUES_LIMIT }),
});

test('any metrics make one line that CloudWatch reads back as they were', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: METRICS_LIMIT, size: 'max' }),
      fc.uniqueArray(name, { minLength: 1, maxLength: DIMENSIONS_LIMIT, size: 'max' }),
      fc.array(metric, { minLength: METRICS_LIMIT, maxLength: METRICS_LIMIT }),
      (names, others, values) => {
        const dimensions = Object.fromEntries(others.filter((other) => !names.includes(other)).map((of) => [of, 'x']));
        fc.pre(Object.keys(dimensions).length > 0);
        const metrics = Object.fromEntries(names.map((of, i) => [of, values[i] ?? count()]));
        const line = JSON.stringify({ msg: 'measured', ...embedded({ namespace: 'n', at, dimensions, metrics }) });
        const read = readMetrics(line).map(({ value }) => [value].flat());
        expect(read).toEqual(Object.values(metrics).map((each) => each.values));
      },
    ),
  ));

const many = <T>(length: number, value: T) => Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, value]));
test.each([
  ['no metric', {}, {}],
  ['too many metrics', many(METRICS_LIMIT + 1, count()), {}],
  ['too many dimensions', { a: count() }, many(DIMENSIONS_LIMIT + 1, 'x')],
  ['a metric without value', { a: count([]) }, {}],
  ['a metric with too many values', { a: count(Array(VALUES_LIMIT + 1).fill(1)) }, {}],
])('%s is an error of ours', (_, metrics, dimensions) =>
  expect(() => embedded({ namespace: 'n', at, dimensions, metrics })).toThrow(),
);

test('a line with metrics has nothing before it, wherever the console puts its own words', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const console_ = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => void vi.restoreAllMocks());
  const dimensions = { Tenant: 'demo' };
  log({ level: 'info', msg: 'measured', ...embedded({ namespace: 'n', at, dimensions, metrics: { A: count() } }) });
  log({ level: 'info', msg: 'other' });
  const lines = write.mock.calls.map(([text]) => String(text));
  expect(lines).toEqual([expect.stringMatching(/^\{[^\n]*\}\n$/)]);
  expect(lines.flatMap(readMetrics)).toEqual([{ series: 'n/A{Tenant=demo}', value: 1 }]);
  expect(console_).toHaveBeenCalledOnce();
});
