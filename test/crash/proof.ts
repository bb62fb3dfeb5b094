/** What must hold after any number of crashes, each law as the list of sentences that say how it was broken. */

import { z } from 'zod';
import { type Person, pushToken } from '../../bench/people.ts';
import { canonicalJson } from '../../core/json.ts';
import { type Sent, SHOWING, type Talk } from './chat.ts';
import type { Commit, Raw } from './raw.ts';
import { apply, type StreamPart, type Tablet } from './tablet.ts';

/** The tables' own notation, written down once more: this reader trusts no builder of keys. */
const conversationOf = ({ conversationId }: Talk): string => `demo#conversation#${conversationId}`;
const personOf = ({ user }: Person): string => `demo#person#${user}`;
const pairOf = ({ a, b }: Talk): string => `demo#pair#${[a.user, b.user].sort().join('+')}`;

const same = (actual: unknown, expected: unknown, what: string): string[] =>
  canonicalJson(actual) === canonicalJson(expected)
    ? []
    : [`${what}: ${canonicalJson(actual)} instead of ${canonicalJson(expected)}`.slice(0, 300)];

const typesOf = (commits: readonly Commit[]): string[] =>
  commits.flatMap(({ events }) => events.map(({ type }) => type));

/** Versions are 1, 2, 3, …, each under the key that says so, and no command was answered twice. */
export const density = ({ streams }: Raw): string[] =>
  [...streams].flatMap(([pk, commits]) => [
    ...commits.flatMap(({ v, sk }, index) => [
      ...same(v, index + 1, `${pk}: version`),
      ...same(sk, `v#${String(v).length.toString(36)}${v}`, `${pk} v${v}: sort key`),
    ]),
    ...same(new Set(commits.map(({ command }) => command)).size, commits.length, `${pk}: different commands`),
  ]);

const isMessage = (commit: Commit, { by, key, text, version, number }: Sent): boolean => {
  const [event] = commit.events;
  return commit.v === version && commit.command === `${by}/${key}` && event?.text === text && event.number === number;
};

/** Every acknowledged message is there once, at its version, and nothing else is. */
export const messages = ({ streams }: Raw, talks: readonly Talk[]): string[] =>
  talks.flatMap((talk) => {
    const commits = streams.get(conversationOf(talk)) ?? [];
    const sent = commits.slice(1);
    const number = (commit: Commit) => commit.events[0]?.number;
    return [
      ...talk.sent.flatMap((each) =>
        same(
          commits.filter((commit) => isMessage(commit, each)).length,
          1,
          `${talk.conversationId} ${each.key}: found`,
        ),
      ),
      ...same(sent.length, talk.sent.length, `${talk.conversationId}: messages`),
      ...same(
        sent.map(number),
        talk.sent.map((_each, index) => index + 1),
        `${talk.conversationId}: numbers`,
      ),
    ];
  });

/** One match, one conversation, told once to both, listed for both. */
export const outcomes = ({ streams, receipts, matches }: Raw, talks: readonly Talk[]): string[] =>
  talks.flatMap((talk) => {
    const pair = streams.get(pairOf(talk)) ?? [];
    const opened = streams.get(conversationOf(talk)) ?? [];
    const members = (opened.at(-1)?.state as { members?: string[] } | undefined)?.members ?? [];
    const both = [talk.a, talk.b];
    const told = (who: Parameters<typeof personOf>[0]) => typesOf(streams.get(personOf(who)) ?? []);
    return [
      ...same(typesOf(pair), ['Liked', 'Liked', 'Matched'], pairOf(talk)),
      ...same(pair.at(-1)?.state, { status: 'matched' }, `${pairOf(talk)}: state`),
      ...same(typesOf(opened), ['Opened', ...talk.sent.map(() => 'Sent')], conversationOf(talk)),
      ...same([...members].sort(), both.map(({ user }) => user).sort(), `${conversationOf(talk)}: members`),
      ...both.flatMap((who) => [
        // Who liked first is told of that too, before or after.
        ...same(
          told(who)
            .filter((type) => type !== 'Reacted')
            .join(),
          'MatchMade',
          personOf(who),
        ),
        ...same(receipts.filter((pk) => pk === personOf(who)).length, told(who).length, `${personOf(who)}: receipts`),
        ...same(matches.get(personOf(who))?.length, 1, `${personOf(who)}: listed matches`),
      ]),
    ];
  });

/** Every member's pointer stands at its stream's head; nobody has another. */
export const pointers = ({ streams, pointers: found }: Raw): string[] => {
  const expected = [...streams].flatMap(([pk, commits]) => {
    const head = commits.at(-1);
    const [tenant, ...name] = pk.split('#');
    return (head?.audience ?? []).map((who) => [`${tenant}#person#${who} ${name.join('#')}`, head?.v, head?.count]);
  });
  const actual = found.map(({ pk, sk, v, count }) => [`${pk} ${sk}`, v, count]);
  return same(actual.map(String).sort(), expected.map(String).sort(), 'pointers');
};

/** What a device has of each of its streams is what is in the table, without a gap up to the head. */
export const convergence = ({ streams }: Raw, { person, streams: mine, contradictions }: Tablet): string[] => {
  const wanted = [...streams].filter(([, commits]) => commits.at(-1)?.audience.includes(person.user));
  return [
    ...contradictions.map((sentence) => `${person.user}: ${sentence}`),
    ...same(mine.size, wanted.length, `${person.user}: streams`),
    ...wanted.flatMap(([pk, commits]) => {
      const replica = mine.get(pk.split('#').slice(1).join('/'));
      const first = Math.min(...(replica?.keys() ?? []));
      return [
        ...commits
          .filter(({ v }) => v >= first)
          .flatMap(({ v, events }) => same(replica?.get(v), canonicalJson(events), `${person.user}: ${pk} v${v}`)),
        ...same(replica?.size, commits.length - first + 1, `${person.user}: ${pk}: versions`),
      ];
    }),
  ];
};

/** A new device's first sync: the newest 20 versions of everything, and the state that they lead to. */
export const newDevice = (raw: Raw, person: Person, parts: readonly StreamPart[]): string[] => {
  const tablet: Tablet = { person, streams: new Map(), contradictions: [], sync: async () => {}, stop: async () => {} };
  for (const { stream, events } of parts) apply(tablet, stream, events);
  return [
    ...convergence(raw, tablet),
    ...parts.flatMap(({ stream, v, count, state }) => {
      const head = raw.streams.get(`demo#${stream.replace('/', '#')}`)?.at(-1);
      return same([v, count, state], [head?.v, head?.count, head?.state], `${person.user}: ${stream}: head`);
    }),
  ];
};

export const Push = z.object({
  token: z.string(),
  collapseId: z.string(),
  deliveries: z.int(),
  payload: z.object({ chorus: z.object({ type: z.enum(['show', 'clear']), stream: z.string(), v: z.string() }) }),
});
export type Push = z.infer<typeof Push>;

const eventOf = ({ payload: { chorus } }: Push): string => `${chorus.stream}@${chorus.v}`;

const shown = (who: Person, stream: string, v: number): string[] =>
  SHOWING.map((device) => `${pushToken(who, device)} ${stream}@${v}`);

/** Of a match, by person: who made it knows of it. The other one may have been told of their own like before. */
const matched = (talk: Talk): string[][][] =>
  [talk.a, talk.b].map((who) => [1, 2].map((v) => shown(who, `person/${who.user}`, v)));

/** Which device must have shown what. What one has answered oneself one has read, so that it may have stayed silent. */
const due = (talk: Talk): { must: string[]; may: string[] } => {
  const messages = talk.sent.map(({ by, version, number }) => {
    const other = by === talk.a.user ? talk.b : talk.a;
    const isAnswered = talk.sent.some((each) => each.by === other.user && each.number > number);
    return { isAnswered, pushes: shown(other, `conversation/${talk.conversationId}`, version) };
  });
  return {
    must: messages.flatMap(({ isAnswered, pushes }) => (isAnswered ? [] : pushes)),
    may: [...matched(talk).flat(2), ...messages.flatMap(({ isAnswered, pushes }) => (isAnswered ? pushes : []))],
  };
};

const isShown = ({ payload: { chorus } }: Push): boolean => chorus.type === 'show';
const seen = (pushes: readonly Push[]): string[] =>
  pushes.filter(isShown).map((push) => `${push.token} ${eventOf(push)}`);

/** Of very many at once the newest stands for those before it. */
const standsFor = (shown: string, push: string): boolean => {
  const [at, of] = [shown.lastIndexOf('@'), push.lastIndexOf('@')];
  return shown.slice(0, at) === push.slice(0, of) && Number(shown.slice(at + 1)) >= Number(push.slice(of + 1));
};

/** What no device has shown yet. */
export const missingPushes = (talks: readonly Talk[], shown: readonly Push[]): string[] => {
  const there = seen(shown);
  return talks.flatMap((talk) => [
    ...due(talk).must.filter((push) => !there.some((each) => standsFor(each, push))),
    ...(matched(talk).some((versions) => versions.some((pushes) => pushes.every((push) => there.includes(push))))
      ? []
      : [`of the match ${talk.conversationId}`]),
  ]);
};

/** One notification of each event at each device: at least one attempt, never two visible. */
export const notifications = (talks: readonly Talk[], shown: readonly Push[]): string[] => {
  const all = seen(shown);
  const known = new Set(talks.flatMap((talk) => Object.values(due(talk)).flat()));
  const collapsed = shown.filter(isShown).map(({ token, collapseId }) => `${token} ${collapseId}`);
  return [
    ...missingPushes(talks, shown).map((push) => `no push: ${push}`),
    ...all.filter((push) => !known.has(push)).map((push) => `unexpected push: ${push}`),
    ...all.filter((push, index) => all.indexOf(push) !== index).map((push) => `visible twice: ${push}`),
    ...same(new Set(collapsed).size, new Set(all).size, 'collapse ids: different from events'),
  ];
};
