/** given(decider, ...history).when(command).then(...events) | .thenRejected(code) */
import { expect } from 'vitest';
import type { Decider } from '../core/decider.ts';

export const given = <S, C, E, R extends string>(decider: Decider<S, C, E, R>, ...history: E[]) => ({
  when: (command: C) => {
    const decided = decider.decide(command, history.reduce(decider.evolve, decider.initial));
    return {
      // biome-ignore lint/suspicious/noThenProperty: the word of every specification; nobody awaits it
      then: (...events: E[]) => expect(decided).toEqual(events),
      thenRejected: (code: R) => expect(decided).toEqual({ rejected: code }),
    };
  },
});

/** The history a list of commands leaves behind; a rejected command leaves none. */
export const play = <S, C, E, R extends string>(decider: Decider<S, C, E, R>, commands: C[]): E[] => {
  const history: E[] = [];
  for (const command of commands) {
    const decided = decider.decide(command, history.reduce(decider.evolve, decider.initial));
    if (Array.isArray(decided)) history.push(...decided);
  }
  return history;
};
