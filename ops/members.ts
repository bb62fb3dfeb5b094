/** What the members of a stream must at least have: a pointer at its head, and the marks of who wrote and who read. */
import type { Commit } from '../core/commit.ts';
import type { Deps } from '../core/deps.ts';
import { readNewest } from '../core/events.ts';
import type { UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { type Pointer, readPointer } from '../core/pointers.ts';
import { type Suspicion, suspicion } from './finding.ts';
import type { Summary } from './streams.ts';
import { readable } from './walk.ts';

type Member = { person: UserId; pointer: Pointer | undefined };
/** A mark that is below what another item proves. */
export type Lag =
  | { person: UserId; of: 'read'; is: number; to: number }
  | { person: UserId; of: UserId; is: number; to: number };
export type Lags = {
  head: Commit;
  /** Whose pointer is missing or below the head; its version, 0 when there is none. */
  pointers: { person: UserId; v: number }[];
  marks: Lag[];
  members: Member[];
};

const knownRead = (members: readonly Member[], who: UserId, wrote: number): number =>
  Math.max(wrote, ...members.map(({ pointer }) => pointer?.seen[who] ?? 0));

/** `own` reads as `read` on one's own pointer and as `seen` on each other's; none may lag behind what another one proves. */
const lagsOf = (members: readonly Member[], authors: Summary['authors']): Lag[] =>
  members.flatMap(({ person, pointer }): Lag[] => {
    if (!pointer) return [];
    const proven = Math.min(knownRead(members, person, authors.get(person) ?? 0), pointer.count);
    if (proven > pointer.read) return [{ person, of: 'read', is: pointer.read, to: proven }];
    return members.flatMap(({ person: other, pointer: theirs }): Lag[] => {
      if (!theirs || other === person) return [];
      const [is, to] = [theirs.seen[person] ?? 0, Math.min(pointer.read, theirs.count)];
      return is < to ? [{ person: other, of: person, is, to }] : [];
    });
  });

/** Consistent reads throughout, the head first: what is then behind it was behind it. */
export const lookAtMembers = async (
  deps: Deps,
  { stream, authors }: Pick<Summary, 'stream' | 'authors'>,
  known?: Commit,
): Promise<Lags | undefined> => {
  const head = known ?? (await readable(() => readNewest(deps, stream, 1)))?.[0];
  if (!head) return undefined;
  const members = await Promise.all(
    head.audience.map(async (person): Promise<Member[]> => {
      const read = await readable(async () => ({
        pointer: await readPointer(deps, person, stream, { consistent: true }),
      }));
      // One that can't be decoded is told of by who walks the inbox.
      return read ? [{ person, pointer: read.pointer && read.pointer.v > 0 ? read.pointer : undefined }] : [];
    }),
  );
  const all = members.flat();
  const pointers = all.map(({ person, pointer }) => ({ person, v: pointer?.v ?? 0 })).filter(({ v }) => v < head.v);
  // What a pointer that is behind does not know yet comes with what it is behind of.
  const upToDate = all.filter(({ pointer }) => pointer && pointer.v >= head.v);
  return { head, pointers, marks: lagsOf(upToDate, authors), members: all };
};

export const suspicionsOf = (stream: Stream, lags: Lags | undefined): Suspicion[] => [
  ...(lags?.pointers ?? []).map(({ person, v }) =>
    v === 0
      ? suspicion('missing pointer', stream, { about: person, detail: `has none to version ${lags?.head.v}` })
      : suspicion('pointer behind', stream, { about: person, detail: `at ${v} of ${lags?.head.v}`, at: v }),
  ),
  ...(lags?.marks ?? []).map(({ person, of, is, to }) =>
    of === 'read'
      ? suspicion('read behind', stream, { about: person, detail: `read ${is}, though ${to} is proven`, at: is })
      : suspicion('seen behind', stream, { about: `${person} of ${of}`, detail: `knows ${is} of ${to}`, at: is }),
  ),
];
