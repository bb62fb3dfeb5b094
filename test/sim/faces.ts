/**
 * People show themselves and look at others, and what must hold of that in the end: where people are looked for is where their
 * streams say that they are, and a deck holds everybody whom it must, and nobody else. Read from raw items, without the
 * product's readers.
 */
import { z } from 'zod';
import type { Check } from './checks.ts';
import { createClient } from './client.ts';
import type { Cloud } from './cloud.ts';
import { createDice, type Dice } from './random.ts';
import { type RawItem, segments } from './raw.ts';
import type { World } from './world.ts';

type Who = { tenant: string; user: string; name: string };
const Deck = z.object({ people: z.array(z.object({ userId: z.string() })), more: z.boolean() });
/** Whom somebody was shown when everything was quiet. */
export type Dealt = { tenant: string; user: string; people: string[] };

/** All within the last step of the demo tenant from each other, but the last. */
const PLACES = [
  { lat: 52.52, lon: 13.4 },
  { lat: 52.53, lon: 13.41 },
  { lat: 53.1, lon: 13.4 },
  { lat: 40.7, lon: -74 },
];

/** What a person does with their face on one of their devices. */
export const createFace = (cloud: Cloud, who: Who) => {
  const { request, persist, unexpected } = createClient(cloud, { ...who, name: `${who.name} face` }, () => undefined);
  const describe = async (dice: Dice): Promise<void> => {
    const body = {
      ...{ name: who.user, birthDate: '1990-01-01' },
      ...(dice.chance(0.9) && { place: dice.pick(PLACES) }),
      settings: { discoverable: dice.chance(0.9), presence: dice.chance(0.8) },
    };
    await persist('describe', { route: 'PUT /v1/me', body }, [], ({ status }) => status === 200);
  };
  const look = async (): Promise<void> => {
    const answer = await request('deck', { route: 'GET /v1/deck', query: { limit: '10' } });
    // Who has no profile or no place has no deck.
    if (answer === 'lost' || answer.status >= 500 || answer.status === 409 || answer.status === 429) return;
    if (answer.status !== 200) return unexpected('deck', answer);
    const { people } = Deck.parse(answer.body);
    const ids = people.map(({ userId }) => userId);
    if (ids.includes(who.user)) cloud.violation(`deck: ${who.user} is shown to themselves`);
    if (new Set(ids).size < ids.length) cloud.violation(`deck: ${who.user} is shown somebody twice`);
  };
  return { describe, look };
};

/** In some runs people show themselves, move, and look at others, beside all else that they do. */
export const hasFaces = (seed: number): boolean => createDice(seed, 'faces').chance(0.4);
const PAUSE_MS = 5000;

const wear = async ({ cloud, seed }: Pick<World, 'cloud' | 'seed'>, who: Who): Promise<void> => {
  const dice = createDice(seed, 'face', who.tenant, who.user, who.name);
  const face = createFace(cloud, who);
  const count = 2 + dice.below(5);
  for (let i = 0; i < count; i++) {
    if (i === 0 || dice.chance(0.4)) await face.describe(dice);
    else await face.look();
    await cloud.scheduler.wait(dice.below(PAUSE_MS), `${who.user}/${who.name} pauses`);
  }
};

export const showFaces = async (world: Pick<World, 'cloud' | 'seed' | 'cast'>): Promise<void> => {
  if (hasFaces(world.seed)) await Promise.all(world.cast.map((who) => wear(world, who)));
};

/** Asks until there is nobody more, when nothing goes wrong any more. */
export const askDecks = (cloud: Cloud, people: { tenant: string; user: string }[]): Promise<Dealt[]> =>
  Promise.all(
    [...new Map(people.map((each) => [`${each.tenant} ${each.user}`, each])).values()].map(async (who) => {
      let last: z.infer<typeof Deck> = { people: [], more: true };
      for (let request = 0; last.more && request < 20; request++) {
        const of = { route: 'GET /v1/deck', query: { limit: '50' } };
        const answer = await cloud.functions.http(`${who.tenant}/${who.user} looks at the deck`, who, of);
        if (answer.status === 409) last = { people: [], more: false };
        else if (answer.status === 200) last = Deck.parse(answer.body);
        else cloud.violation(`deck: ${who.user} was answered ${answer.status}`);
      }
      return { ...who, people: last.people.map(({ userId }) => userId) };
    }),
  );

const State = z.object({
  profile: z
    .object({
      place: z.object({ lat: z.number(), lon: z.number() }).optional(),
      settings: z.object({ discoverable: z.boolean() }),
    })
    .optional(),
  standing: z.object({ now: z.object({ is: z.string() }) }).optional(),
});
type Face = { tenant: string; user: string; v: number; place: string | undefined; isShown: boolean };

const nameOf = ({ lat, lon }: { lat: number; lon: number }): string => `${lat},${lon}`;

const facesIn = ({ raw }: Parameters<Check>[0]): Face[] =>
  [...raw.streams().values()].flatMap((commits) => {
    const head = commits.at(-1);
    if (head?.kind !== 'profile') return [];
    const { profile, standing } = State.parse(head.state);
    const isGood = (standing?.now.is ?? 'good') === 'good';
    const place = profile?.place && nameOf(profile.place);
    const isShown = profile?.settings.discoverable === true && isGood && place !== undefined;
    return [{ tenant: head.tenant, user: head.id, v: head.v, place, isShown }];
  });

/** A person stands once, where their stream says, as of its newest version; everywhere else is only a mark. */
const stands: Check = (quiet, tell) => {
  const rows = quiet.raw.items('views').filter(({ sk }) => String(sk).startsWith('stands#'));
  const of = ({ pk, sk }: RawItem): string => `${segments(String(pk))[0]} ${segments(String(sk))[2]}`;
  const byPerson = Map.groupBy(rows, of);
  for (const { tenant, user, v, place, isShown } of facesIn(quiet)) {
    if (!quiet.cloud.tenants.has(tenant)) continue;
    const live = (byPerson.get(`${tenant} ${user}`) ?? []).filter((row) => !row.lost);
    // Who is judged stands there with a word that they are not shown.
    const shown = live.filter((row) => row.away === undefined);
    if (shown.length !== (isShown ? 1 : 0)) tell(`deck: ${user} stands in ${shown.length} cells`);
    for (const row of shown) {
      const [lat = 0, lon = 0] = row.place as number[];
      if (nameOf({ lat, lon }) !== place) tell(`deck: ${user} stands at ${lat},${lon} and is at ${place}`);
      if (Number(row.v) > v) tell(`deck: ${user} stands as of ${String(row.v)}, and their stream is at ${v}`);
    }
  }
};

/** @param dealt at the very end */
const decks =
  (dealt: Dealt[]): Check =>
  (quiet, tell) => {
    const faces = facesIn(quiet);
    for (const { tenant, user, people } of dealt) {
      const me = faces.find((face) => face.tenant === tenant && face.user === user);
      const far = nameOf({ lat: 40.7, lon: -74 });
      const expected = faces.filter((face) => {
        const seen = quiet.raw.item(quiet.raw.tables.views, `${tenant}#person#${user}`, `seen#${face.user}`);
        const isNear = (face.place === far) === (me?.place === far);
        return (
          face.tenant === tenant && face.user !== user && face.isShown && isNear && (!seen || seen.type === 'none')
        );
      });
      const names = me?.place === undefined ? [] : expected.map((face) => face.user).sort();
      if (people.toSorted().join() !== names.join())
        tell(`deck: ${user} is shown ${people.join() || 'nobody'} and should be shown ${names.join() || 'nobody'}`);
    }
  };

export const checkFaces =
  (dealt: Dealt[]): Check =>
  (quiet, tell) => {
    stands(quiet, tell);
    decks(dealt)(quiet, tell);
  };
