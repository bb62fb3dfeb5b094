/**
 * `npm run cost`: what each operation costs in DynamoDB's write and read units, all tables and all consumers of streams
 * and queues included. `--json` prints an array of {operation, writeUnits, readUnits}.
 */
import { parseArgs } from 'node:util';
import { brokenBudgets } from './budgets.ts';
import { costs } from './costs.ts';
import { table } from './stats.ts';

const REPETITIONS = 20;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const measured = await costs(REPETITIONS);
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const header = ['operation', 'write units', 'read units', 'refused writes', 'runs left out'];
const rows = measured.map(({ operation, writeUnits, readUnits, refused, leftOut }) => [
  ...[operation, writeUnits, readUnits, refused, percent(leftOut)],
]);
const text = values.json
  ? JSON.stringify(
      measured.map(({ operation, writeUnits, readUnits }) => ({ operation, writeUnits, readUnits })),
      null,
      1,
    )
  : `${table(header, rows)}

Means of ${REPETITIONS} runs. Left out are runs in which two writers of one register met and a conditional write was refused, at
one unit: on one machine an acknowledgement may overtake the pointer that it raises, or a stream a handler that is held up.`;
process.stdout.write(`${text}\n`);
const broken = brokenBudgets(measured);
for (const sentence of broken) process.stderr.write(`${sentence}\n`);
process.exitCode = broken.length > 0 ? 1 : 0;
