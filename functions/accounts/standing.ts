/** How people stand: a read model that every request reads, kept by a reaction, rebuildable from the persons' events. */
import type { TenantId, UserId } from '../../core/ids.ts';
import { parseStandingKey, STANDING, standingKey } from '../../core/safety-keys.ts';
import type { Standing } from '../../core/standing.ts';
import type { RowChange, View } from '../../core/views.ts';
import { PersonEvent } from './person.ts';

/** `v` is the version of the person's stream that said so: no older one takes its place. */
export const standingRow = (tenant: TenantId, user: UserId, standing: Standing, v: number): RowChange => {
  const key = standingKey(tenant, user);
  return { key, row: { ...key, ...standing, v } };
};

/** How it leaves a person to stand; undefined for what changes nothing. */
export const standingAfter = (event: PersonEvent): Standing | undefined => {
  if (event.type === 'StandingChanged') return event.standing;
  return event.type === 'ErasureBegun' ? { is: 'erased' } : undefined;
};

export const standingView: View = {
  name: STANDING,
  kind: 'person',
  changes: ({ tenant }, { v, events }) =>
    events.flatMap((each) => {
      const event = PersonEvent.parse(each);
      const standing = standingAfter(event);
      return standing ? [standingRow(tenant, event.person, standing, v)] : [];
    }),
  causeOf: (key) => {
    const row = parseStandingKey(key);
    return row && { tenant: row.tenant, kind: 'person', id: row.user };
  },
};
