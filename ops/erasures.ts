/** erasures: who is leaving, and how far that is; and after a restore, everybody who had left once more. */
import { allTenants } from '../core/env.ts';
import { type Erasure, openErasure, readErasures } from '../functions/erasure/open.ts';
import { type Command, insistOnYes, UsageError } from './command.ts';

const shown = (tenant: string, { user, state, begun, erased, due }: Erasure) => ({
  ...{ tenant, user, state, begun, erased: erased ?? '' },
  due: state === 'done' ? '' : new Date(due * 1000).toISOString(),
});

export const erasures: Command = {
  name: 'erasures',
  summary: 'list who is being erased; after a restore, erase again who was',
  usage: `[again]

Lists the erasures that are open (the first walk goes on) or rest (erased; a second walk takes what landed since).
A restore brings back people who had left since: \`erasures again\` opens all of the last 60 days once more, and the schedule
walks them within a quarter of an hour.`,
  run: async (target, [what, ...rest], flags, out) => {
    if ((what !== undefined && what !== 'again') || rest.length > 0)
      throw new UsageError('erasures, or erasures again');
    const found = [];
    for (const { tenant } of allTenants().values())
      for (const erasure of await readErasures(target.deps, tenant)) found.push({ tenant, erasure });
    if (what === 'again') {
      insistOnYes(target, flags, 'erases people once more');
      for (const { tenant, erasure } of flags.dryRun ? [] : found)
        await openErasure(target.deps, { tenant, user: erasure.user }, { again: true });
    }
    const listed = what === 'again' ? found : found.filter(({ erasure }) => erasure.state !== 'done');
    const rows = listed.map(({ tenant, erasure }) => shown(tenant, erasure));
    out.table(rows);
    out.json({ dryRun: flags.dryRun, erasures: rows });
    if (rows.length === 0) out.line('Nobody is leaving.');
    else if (what === 'again') out.line(flags.dryRun ? 'Nothing was changed.' : 'All of them are open once more.');
    return 0;
  },
};
