/** The budgets of the operations that happen most, measured on the booted system. */
import { beforeAll, expect, test } from 'vitest';
import { brokenBudgets, budgets, operationNames } from '../../bench/budgets.ts';
import { costs } from '../../bench/costs.ts';
import type { Cost } from '../../bench/meter.ts';

let measured: Cost[] = [];
beforeAll(async () => {
  measured = await costs(3, operationNames);
}, 120_000);

test('every operation of the table is measured', () => {
  expect(measured.map(({ operation }) => operation)).toEqual(operationNames);
  for (const { readUnits, writeUnits } of measured) expect(readUnits + writeUnits).toBeGreaterThan(0);
});

test('the budgets hold', () => {
  expect(brokenBudgets(measured)).toEqual([]);
});

test('a broken budget is one sentence', () => {
  const dear = measured.map((cost) => (cost.operation === 'send' ? { ...cost, writeUnits: 9.5 } : cost));
  expect(brokenBudgets(dear)).toEqual(['send costs 9.5 write units; its budget is 8.']);
  expect(brokenBudgets([])).toHaveLength(budgets.length);
});
