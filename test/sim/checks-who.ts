/** Who may know what. */

import type { Check, Quiet } from './checks.ts';
import type { Cloud } from './cloud.ts';

/** Nobody but its people: a conversation's members, a person themselves, nobody for a pair. */
const audiences: Check = ({ cloud, raw }, tell) => {
  for (const [pk, commits] of raw.streams()) {
    const [first] = commits;
    if (!first || !cloud.tenants.has(first.tenant)) continue;
    const opened = first.events.find(({ type }) => type === 'Opened')?.members;
    const due =
      first.kind === 'conversation'
        ? [...(opened as string[])]
        : ['person', 'profile'].includes(first.kind)
          ? [first.id]
          : [];
    for (const { v, audience } of commits)
      if (audience.toSorted().join() !== due.toSorted().join()) tell(`audience: ${pk} v${v} tells ${audience.join()}`);
    const ids = commits.flatMap(({ events }) => events.flatMap(({ type, id }) => (type === 'Sent' ? [id] : [])));
    if (new Set(ids).size < ids.length) tell(`message id: two messages of ${pk} have the same`);
  }
};

/** Logs hold ids; never what anybody wrote. */
const logs: Check = ({ cloud }, tell) => {
  for (const { process, entry } of cloud.logs)
    if (/ says \d/.test(JSON.stringify(entry))) tell(`log: ${process.name} writes what somebody said: ${entry.msg}`);
};

export const whoChecks: Record<string, Check> = { audiences, logs };

/** Somebody of the same tenant who belongs to nothing asks for everything: to them it does not exist. */
export const askAsStranger = async ({
  cloud,
  raw,
  people,
}: {
  cloud: Cloud;
  raw: Quiet['raw'];
  people: Quiet['devices'];
}): Promise<void> => {
  const streams = [...raw.streams().values()].flatMap(([first]) => first ?? []);
  for (const { tenant, id } of streams.filter(
    ({ kind, tenant: its }) => kind === 'conversation' && cloud.tenants.has(its),
  )) {
    const ask = (route: string, more: object): ReturnType<Cloud['functions']['http']> =>
      cloud.functions.http(
        `a stranger asks ${route}`,
        { tenant, user: 'mallory' },
        { route, params: { conversationId: id }, ...more },
      );
    const conversation = '/v1/conversations/{conversationId}';
    const answers = [
      await ask(`GET ${conversation}/messages`, {}),
      await ask(`POST ${conversation}/messages`, { body: { text: 'hello', after: 1 }, key: 'mallory-1' }),
      await ask(`PUT ${conversation}/read`, { body: { upTo: 1 } }),
      await ask(`PUT ${conversation}/mute`, { body: { until: 'forever' } }),
      await ask(`DELETE ${conversation}/mute`, {}),
    ];
    for (const { status } of answers) if (status !== 404) cloud.violation(`stranger: is answered ${status} of ${id}`);
  }
  for (const { tenant, user, replica } of people) {
    if (replica.cursor === undefined) continue;
    const query = { cursor: replica.cursor };
    const { status } = await cloud.functions.http(
      'a stranger syncs',
      { tenant, user: 'mallory' },
      { route: 'GET /v1/sync', query },
    );
    if (status !== 400) cloud.violation(`stranger: syncs with the cursor of ${user}: ${status}`);
  }
  await askTwice({ cloud });
};

/** A ticket is good once, and a token until it ends. */
const askTwice = async ({ cloud }: { cloud: Cloud }): Promise<void> => {
  const [tenant = ''] = cloud.tenants;
  const actor = { tenant, user: 'mallory' };
  const bought = await cloud.functions.http('mallory buys a ticket', actor, {
    route: 'POST /v1/socket-tickets',
    body: {},
  });
  const query = { ticket: String((bought.body as { ticket?: string }).ticket), device: 'phone' };
  const first = await cloud.functions.authorize('mallory comes', tenant, query);
  const second = await cloud.functions.authorize('mallory comes again', tenant, query);
  if (!first || second) cloud.violation(`ticket: is good ${first ? 'twice' : 'never'}`);
  const late = await cloud.functions.http('mallory is late', actor, { route: 'GET /v1/sync', expires: 1 });
  if (late.status !== 401) cloud.violation(`token: one that ended long ago is answered ${late.status}`);
};
