/** Ends of matches while the database fails: what is answered is closed, and what is not is closed by whoever asks again. */
import { expect, test } from 'vitest';
import type { Command, Send } from '../../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import type { UserId } from '../../core/ids.ts';
import { load } from '../../core/load.ts';
import { conversationOf } from '../../functions/matching/match.ts';
import { say } from '../../functions/matching/pair.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { bindEnvironment, specs } from '../memory.ts';
import { ada, ben, demo } from '../people.ts';
import { createDynamo } from '../sim/dynamo/dynamo.ts';

bindEnvironment();

/** Nothing waits; what races against a deadline wins. */
const sleep = (ms: number): Promise<void> => (ms < 1000 ? Promise.resolve() : new Promise(() => undefined));
const isClosing = (command: Command): boolean => JSON.stringify(command.input).includes('"Closed"');

test.each(['Block', 'Unmatch'] as const)('%s is not answered before the conversation is closed', async (type) => {
  const memory = createDynamo(specs);
  const using = (isBroken = false): Deps => {
    const send: Send = (command) =>
      isBroken && isClosing(command)
        ? Promise.reject(new Error('the connection broke'))
        : Promise.resolve(memory.send(command));
    return makeDeps({ read: 0, write: 0 }, { ...ports, send, log: () => undefined, sleep });
  };
  const asked = (user: UserId, commandId: string) => ({
    ...{ actor: { tenant: demo, user }, other: user === ada ? ben : ada, commandId },
  });
  const stateOf = async () =>
    (await load(using(), conversation, { tenant: demo, kind: 'conversation', id: conversationOf(ada, ben) })).state;
  await say(using(), asked(ada, 'a1'), { type: 'Like' });
  await say(using(), asked(ben, 'b1'), { type: 'Like' });
  expect(await stateOf()).toMatchObject({ status: 'open' });
  await expect(say(using(true), asked(ada, 'a2'), { type })).rejects.toThrow('outcome-unknown');
  expect(await stateOf()).toMatchObject({ status: 'open' });
  // The match has ended by then: a retry has nothing new to say, and closes what is left.
  await expect(say(using(), asked(ada, 'a3'), { type })).resolves.toMatchObject({ state: { status: 'open' } });
  expect(await stateOf()).toMatchObject({ status: 'closed', why: 'unmatched' });
});
