/**
 * verify: reads everything and says what is wrong. Writes go on meanwhile, so that what looks wrong is looked at again
 * before it is told.
 */
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { type Key, versionKey } from '../core/keys.ts';
import { lookAtDevice } from './addresses.ts';
import { type Command, UsageError } from './command.ts';
import { keyOf, lookAtCauseOf, lookAtCauses, lookAtRows, lookAtSteps } from './consequences.ts';
import { createFindings, FINDINGS_LIMIT, type Finding, type Findings, type Suspicion } from './finding.ts';
import { lookAtPointer } from './levels.ts';
import { lookAtMembers, suspicionsOf } from './members.ts';
import { listParked } from './parked-held.ts';
import { chainsOf, lookAtChain } from './purchases.ts';
import { showProgress } from './show.ts';
import { type Examined, examine, examineAgain, type Summary } from './streams.ts';
import { createPace, forEach, type OnProgress, partitions, rateOf, type Walk } from './walk.ts';

type Check<T> = (item: T) => Promise<void>;

const wrongIn = async (deps: Deps, pk: string): Promise<Suspicion[]> => (await examineAgain(deps, pk)).wrong;
const rowsOf = async (deps: Deps, pk: string): Promise<Suspicion[]> => {
  const again = await examineAgain(deps, pk);
  return again.stream ? lookAtRows(deps, again) : [];
};

/** What can be wrong around a stream. Each is looked at again by itself, the whole stream only where that is needed. */
const checkAround = async (deps: Deps, findings: Findings, summary: Summary): Promise<void> => {
  const { stream, head } = summary;
  const { pk } = versionKey(stream, 1);
  const members = async () => suspicionsOf(stream, await lookAtMembers(deps, summary, head));
  const steps = () => lookAtSteps(deps, summary);
  const causes = () => lookAtCauses(deps, summary);
  findings.suspect(await members(), members);
  findings.suspect(await steps(), steps);
  findings.suspect(await causes(), causes);
  findings.suspect(await lookAtRows(deps, summary), () => rowsOf(deps, pk));
};

const checkStream =
  (deps: Deps, findings: Findings): Check<{ pk: string; examined: Examined }> =>
  async ({ pk, examined }) => {
    findings.suspect(examined.wrong, () => wrongIn(deps, pk));
    if (examined.stream) await checkAround(deps, findings, examined);
  };

/** @param look at one item, as it was given or as it is now */
const checkItem =
  (deps: Deps, findings: Findings, look: (deps: Deps, key: Key, given?: Item) => Promise<Suspicion[]>): Check<Item> =>
  async (item) => {
    const key = keyOf(item);
    findings.suspect(await look(deps, key, item), () => look(deps, key));
  };

/** @returns false when there is no room for more */
const pass =
  (findings: Findings, { onProgress, pace }: { onProgress: OnProgress; pace: () => Promise<void> }) =>
  async <T>(label: string, pages: AsyncIterable<T[]>, check: Check<T>): Promise<boolean> => {
    for await (const page of pages) {
      const failures = await forEach(page, check);
      if (failures[0]) throw failures[0].error;
      onProgress(label, page.length);
      await pace();
      if (!(await findings.pause())) return false;
    }
    return true;
  };

/** `rate` in units a second, of all reads together. */
type Options = { rate?: number; onProgress?: OnProgress };

/** Everything that is wrong, but at most 10,000 findings. */
export const verifyAll = async (
  walk: Walk,
  { rate, onProgress = () => undefined }: Options = {},
): Promise<Finding[]> => {
  const { deps, scan } = walk;
  const findings = createFindings(deps);
  const through = pass(findings, { onProgress, pace: createPace(walk, rate) });
  const read = (table: 'events' | 'inbox' | 'views' | 'devices' | 'transactions') => scan(table, { consistent: true });
  const streams = () =>
    partitions(read('events'), (pk) => {
      const { add, end } = examine(pk);
      return { add, end: () => ({ pk, examined: end() }) };
    });
  const passes = [
    () => through('streams', streams(), checkStream(deps, findings)),
    () => through('pointers', read('inbox'), checkItem(deps, findings, lookAtPointer)),
    () => through('rows', read('views'), checkItem(deps, findings, lookAtCauseOf)),
    () => through('devices', read('devices'), checkItem(deps, findings, lookAtDevice)),
    () =>
      through('purchases', chainsOf(read('transactions')), async (chain) => {
        const look = () => lookAtChain(deps, chain);
        findings.suspect(await look(), look);
      }),
  ];
  for (const run of passes) if (!(await run())) break;
  return findings.end();
};

export const verify: Command = {
  name: 'verify',
  summary: 'read everything and say what is wrong',
  usage: `

Reads events, inbox, views and devices (consistently: twice the units of a plain scan, and a few for each stream and
pointer), while the system runs: what looks wrong is looked at again for some seconds before it is told.
Changes nothing. repair mends what events can mend; gaps, duplicates, wrong states and undecodable commits it can not.`,
  run: async (target, args, flags, out) => {
    if (args.length > 0) throw new UsageError('verify takes no arguments');
    const progress = showProgress(out);
    const findings = await verifyAll(target, { ...rateOf(target, flags), onProgress: progress.onProgress });
    progress.done();
    out.table(findings);
    const counts = [...Map.groupBy(findings, ({ kind }) => kind)].map(([kind, some]) => ({ kind, found: some.length }));
    out.table(counts);
    const parked = (await listParked(target.deps)).length;
    out.json({ findings, parked });
    if (findings.length === 0) out.line('Nothing is wrong.');
    else out.line('ops -- repair mends what events can mend; --dry-run says how much.');
    if (parked > 0) out.line(`${parked} can not be processed: ops -- parked list`);
    if (findings.length >= FINDINGS_LIMIT) out.line(`There may be more: it stops at ${FINDINGS_LIMIT} findings.`);
    return findings.length === 0 ? 0 : 1;
  },
};
