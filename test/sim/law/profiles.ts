/** What people say about themselves, and that they were here: as the real handlers do it. */
import fc from 'fast-check';
import { isRejection } from '../../../core/decider.ts';
import { execute } from '../../../core/execute.ts';
import { TenantId, UserId } from '../../../core/ids.ts';
import type { Stream } from '../../../core/keys.ts';
import { Profile, type ProfileCommand, profile } from '../../../functions/profiles/profile.ts';
import { react } from '../../../functions/reactions.ts';
import type { Little } from './little.ts';

const tenant = TenantId.parse('demo');
const who = fc.constantFrom(...['ada', 'ben', 'cleo'].map((name) => UserId.parse(name)));

export const ProfileActs = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('describe' as const),
      by: who,
      where: fc.option(fc.nat(3), { nil: undefined }),
      height: fc.constantFrom(160, 170, undefined),
      discoverable: fc.boolean(),
      presence: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('visit' as const, 'judge' as const),
      by: who,
      day: fc.integer({ min: 2, max: 28 }),
    }),
  },
);
export type ProfileAct = typeof ProfileActs extends fc.Arbitrary<infer T> ? T : never;

type Describe = Extract<ProfileAct, { do: 'describe' }>;

const describing = ({ by, where, height, discoverable, presence }: Describe, at: string): ProfileCommand => {
  const said = Profile.parse({
    ...{ name: by, birthDate: '1990-01-01', photos: [], seeking: {}, settings: { discoverable, presence } },
    attributes: { gender: 'woman', ...(height !== undefined && { height }) },
    ...(where !== undefined && { place: { lat: 50 + where, lon: 10 } }),
  });
  return { type: 'SetProfile', person: by, profile: said, at };
};

const run = async (played: Little & { next: () => number }, command: ProfileCommand): Promise<void> => {
  const deps = played.deps();
  const stream: Stream = { tenant, kind: 'profile', id: command.person };
  const by = command.type === 'SetProfile' ? { by: command.person } : {};
  const id = `profile-${played.next()}`;
  const done = await execute(deps, profile, { stream, command, id, ...by, dedupe: 'state' });
  if (!isRejection(done) && done.commit && !played.dies()) await react(deps, stream, done.commit);
};

export const performProfile = async (played: Little & { next: () => number }, act: ProfileAct): Promise<void> => {
  const at = played.deps().now().toISOString();
  if (act.do === 'describe') return run(played, describing(act, at));
  const { by: person, day } = act;
  // Only who has a profile is noted down, or judged.
  await run(
    played,
    describing({ do: 'describe', by: person, where: day % 3, height: 160, discoverable: true, presence: true }, at),
  );
  const standing = { is: day % 2 ? ('good' as const) : ('banned' as const) };
  await run(
    played,
    act.do === 'visit'
      ? { type: 'Visit', person, at: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z` }
      : { type: 'Judge', person, standing, asOf: played.next(), at },
  );
};
