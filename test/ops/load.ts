/** People who like, write and read without pause, while operators' commands run. */
import { expect } from 'vitest';
import { key, type Person, type World } from '../world.ts';

export type Load = {
  /** How many messages were sent so far. */
  sent: () => number;
  /** Everyone finishes what they do. @throws when anything was refused */
  end: () => Promise<void>;
};

const NEWCOMERS = 40;
let loads = 0;

/** Four people who all write to each other at once, and newcomers who match. */
export const startLoad = async (world: World): Promise<Load> => {
  const name = `load-${++loads}`;
  const pairs = await Promise.all([1, 2].map((i) => world.matched(`${name}-a${i}`, `${name}-b${i}`)));
  let over = false;
  let sent = 0;
  const write = async (who: Person, id: string): Promise<void> => {
    for (let after = 1; !over; sent++) {
      const path = `/v1/conversations/${id}`;
      const { status, body } = await who.call('POST', `${path}/messages`, { text: 'hello', after }, key());
      expect([201, 503]).toContain(status);
      if (status !== 201) continue;
      after = body.version;
      if (sent % 3 === 0) await who.call('PUT', `${path}/read`, { upTo: body.number });
    }
  };
  const meet = async (): Promise<void> => {
    for (let i = 0; !over && i < NEWCOMERS; i++) await world.matched(`${name}-c${i}`, `${name}-d${i % 3}`);
  };
  const running = [
    ...pairs.flatMap(({ a, b, conversationId }) => [a, b].map((who) => write(who, conversationId))),
    meet(),
  ];
  for (const each of running) each.catch(() => undefined);
  return {
    sent: () => sent,
    end: async () => {
      over = true;
      await Promise.all(running);
    },
  };
};
