/** What the operations that happen most may cost. */
import type { Cost } from './meter.ts';

type Budget = { operation: string; writeUnits?: number; readUnits?: number };

export const budgets: readonly Budget[] = [
  // The message 3; 1 for its limit; its push 1 for the trail and 1 to 3 for the device's budget, and what it looks at before it is sent.
  { operation: 'send', writeUnits: 8, readUnits: 13 },
  // 50 whatever the number of people, and what the authorizer reads.
  { operation: 'deck', writeUnits: 6, readUnits: 51 },
  // Two for its commit and pointer, four rows, and up to three notices for who has looked already.
  { operation: 'profile update', writeUnits: 8, readUnits: 10 },
  { operation: 'ack', writeUnits: 1 },
  { operation: 'sync20', readUnits: 25 },
];

/** The operations whose costs others rely on, by these names, in this order. */
export const operationNames = [
  'like',
  'match',
  'send',
  'ack',
  'read',
  'sync20',
  'register-device',
  'deck',
  'profile update',
];

/** One sentence for each budget that does not hold. */
export const brokenBudgets = (costs: readonly Pick<Cost, 'operation' | 'writeUnits' | 'readUnits'>[]): string[] =>
  budgets.flatMap(({ operation, ...limits }) => {
    const cost = costs.find((each) => each.operation === operation);
    if (!cost) return [`${operation} was not measured: its budget can not be held.`];
    return (['writeUnits', 'readUnits'] as const).flatMap((unit) => {
      const limit = limits[unit];
      return limit !== undefined && cost[unit] > limit
        ? [
            `${operation} costs ${cost[unit]} ${unit === 'writeUnits' ? 'write' : 'read'} units; its budget is ${limit}.`,
          ]
        : [];
    });
  });
