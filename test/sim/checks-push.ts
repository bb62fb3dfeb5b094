/** Every notable event was pushed to every device that should show it, or there is a reason; each at most once visibly. */
import type { Quiet } from './checks.ts';
import type { Registered } from './history.ts';
import type { RawCommit } from './raw.ts';

type Tell = (violation: string) => void;
type Decision = {
  tenant: string;
  person: string;
  device: string | undefined;
  stream: string;
  v: number;
  decision: string;
};

const decisionsOf = ({ cloud }: Quiet): Decision[] =>
  cloud.logs.flatMap(({ entry }) =>
    entry.msg === 'push decided'
      ? [
          {
            tenant: String(entry.tenant),
            person: String(entry.person),
            device: entry.device === undefined ? undefined : String(entry.device),
            stream: String(entry.stream),
            v: Number(entry.v),
            decision: String(entry.decision),
          },
        ]
      : [],
  );

const isNotable = ({ events }: RawCommit, person: string): boolean =>
  events.some((event) => (event.type === 'Sent' && event.by !== person) || event.type === 'MatchMade');

/** Was the address this device's from before the event until now, without any doubt? */
const isSurelyTheirs = (
  { history: { registered: all }, cloud: { phones } }: Quiet,
  entry: Registered,
  at: number,
): boolean => {
  const { tenant, address, asked, from, endAsked } = entry;
  if (from === undefined || from >= at || endAsked !== undefined || entry.isDoubtful()) return false;
  if (phones.dead.some((each) => each.tenant === tenant && each.to === address && each.at >= asked)) return false;
  const others = all.filter((each) => each !== entry && each.tenant === tenant && each.address === address);
  return others.every((each) => each.from !== undefined && each.from < asked);
};

const decided = (quiet: Quiet, at: (seq: number) => number, tell: Tell): void => {
  const decisions = decisionsOf(quiet);
  const dead = quiet.cloud.queues.dead.map((body) => JSON.parse(body) as { stream: string; v: number; device: string });
  for (const commits of quiet.raw.streams().values())
    for (const commit of commits) {
      if (!quiet.cloud.tenants.has(commit.tenant)) continue;
      for (const entry of quiet.history.registered) {
        const { tenant, user, device } = entry;
        if (tenant !== commit.tenant || !commit.audience.includes(user) || !isNotable(commit, user)) continue;
        if (!isSurelyTheirs(quiet, entry, at(commit.seq))) continue;
        const stream = `${commit.kind}/${commit.id}`;
        const isAbout = (each: { stream: string; v: number }) => each.stream === stream && each.v === commit.v;
        const found = decisions.some(
          (each) => each.tenant === tenant && each.person === user && isAbout(each) && each.device === device,
        );
        const skipped = decisions.some(
          (each) => each.person === user && each.stream === stream && each.device === undefined && each.v >= commit.v,
        );
        const given = dead.some((each) => isAbout(each) && each.device === device);
        if (!found && !skipped && !given)
          tell(`push: nothing was decided of ${stream}@${commit.v} for ${user}/${device}`);
      }
    }
};

/** Who was told that a device is registered has it registered; who was told that it is logged out gets nothing there. */
const registered = (quiet: Quiet, tell: Tell): void => {
  const { raw, history } = quiet;
  const byDevice = Map.groupBy(history.registered, ({ tenant, user, device }) => `${tenant} ${user} ${device}`);
  for (const entries of byDevice.values()) {
    const last = entries.at(-1);
    if (!last) continue;
    const { tenant, user, device, address } = last;
    const row = raw.item(raw.tables.devices, `${tenant}#person#${user}`, `device#${device}`);
    const held = (row?.push as { value?: string } | undefined)?.value;
    if (isSurelyTheirs(quiet, last, Number.POSITIVE_INFINITY) && held !== address)
      tell(`registration: ${user}/${device} was told to be registered, and its row holds ${held}`);
    if (last.until !== undefined && held !== undefined)
      tell(
        `registration: ${user}/${device} was told to be logged out, or that its address is another's, and its row holds ${held}`,
      );
  }
};

const visible = ({ cloud }: Quiet, tell: Tell): void => {
  const shown = cloud.phones.accepted.filter(({ what }) => what === 'show');
  const byDevice = Map.groupBy(shown, ({ tenant, to }) => `${tenant} ${to}`);
  for (const [device, pushes] of byDevice) {
    const ids = Map.groupBy(pushes, ({ stream, v, user }) => `${user} ${stream}@${v}`);
    const events = Map.groupBy(pushes, ({ collapseId }) => collapseId);
    for (const [event, same] of ids)
      if (new Set(same.map(({ id, collapseId }) => `${id} ${collapseId}`)).size > 1)
        tell(`push: ${event} is visible more than once on ${device}`);
    for (const [collapseId, same] of events)
      if (new Set(same.map(({ stream, v }) => `${stream}@${v}`)).size > 1)
        tell(`push: ${collapseId} on ${device} hides one event behind another`);
  }
};

/** @param at when a write happened, by its number */
export const checkPushes =
  (at: (seq: number) => number) =>
  (quiet: Quiet, tell: Tell): void => {
    // What left the inbox's stream unread leads to no push: a repair moves pointers, and those have moved.
    if (!quiet.cloud.faults.happened.some(({ fault }) => fault === 'forgotten')) decided(quiet, at, tell);
    registered(quiet, tell);
    visible(quiet, tell);
  };
