/** Each layer that keeps out who is not in good standing, by itself: the token's, the ticket's, the connection's, the row. */
import { beforeAll, expect, test } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { readDevice } from '../../core/devices.ts';
import { createStandingReader, readStanding } from '../../core/standing.ts';
import { admit } from '../../functions/accounts/admission.ts';
import { setStanding } from '../../functions/standing.ts';
import { handler as connect } from '../../functions/sync/connect.ws.ts';
import { handler as authorize } from '../../functions/sync/ticket.authorizer.ts';
import { issueTicket } from '../../functions/sync/tickets.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, demo, phone } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

beforeAll(bindEnvironment);

const actor = { tenant: demo, user: ada };
const context = { functionName: 'test' };
const expires = 4_000_000_000;
const banned = { is: 'banned' } as const;
const verdict = { ...actor, expires };

const little = () => createLittle(() => 1);
/** What the authorizer of tickets answers to a ticket that was bought when all was well. */
const redeem = async (deps: Deps, between: () => Promise<void>) => {
  const { ticket } = await issueTicket(deps, actor, expires);
  await between();
  const event = { queryStringParameters: { ticket, device: phone }, methodArn: 'arn' } as Parameters<
    typeof authorize
  >[0];
  const { policyDocument } = await authorize(event, context as Parameters<typeof authorize>[1]);
  return JSON.stringify(policyDocument);
};
const open = (id: string) => {
  const requestContext = { connectionId: id, authorizer: { ...verdict, device: phone } };
  const event = { requestContext, isBase64Encoded: false } as Parameters<typeof connect>[0];
  return connect(event, context as Parameters<typeof connect>[1]);
};

test('a ticket of before opens nothing', async () => {
  const deps = little().deps();
  expect(await redeem(deps, async () => undefined)).toContain('Allow');
  expect(await redeem(deps, () => setStanding(deps, actor, { standing: banned, v: 1 }))).toContain('Deny');
});

test('a handshake that was admitted just before is refused, and its connection forgotten', async () => {
  const deps = little().deps();
  expect(await open('good')).toEqual({ statusCode: 200 });
  await setStanding(deps, actor, { standing: banned, v: 1 });
  expect((await readDevice(deps, demo, ada, phone))?.connection).toBeUndefined();
  expect(await open('late')).toMatchObject({ statusCode: 403, body: expect.stringContaining('banned') });
  expect((await readDevice(deps, demo, ada, phone))?.connection).toBeUndefined();
});

test('an open socket is told why, and closed, also when it can not be told', async () => {
  const { connect: hearing, deps } = little();
  const heard: string[] = [];
  await hearing(actor, phone, (frame) => void heard.push(frame));
  const closed: string[] = [];
  const made = deps();
  const deaf: Deps = {
    ...made,
    sockets: {
      post: async (id, frame) => {
        await made.sockets.post(id, frame);
        throw new Error('no answer');
      },
      close: async (id) => void closed.push(id),
    },
  };
  await setStanding(deaf, actor, { standing: banned, v: 1 });
  expect(heard).toEqual(['{"type":"closing","code":"banned"}']);
  expect(closed).toHaveLength(1);
});

test('an older word never takes the place of a newer one', async () => {
  const deps = little().deps();
  await setStanding(deps, actor, { standing: { is: 'good' }, v: 7 });
  await setStanding(deps, actor, { standing: banned, v: 6 });
  expect(await readStanding(deps, actor, { consistent: true })).toEqual({ is: 'good' });
});

test('a process believes for five seconds what it read, and no clock makes it longer', async () => {
  const made = little().deps();
  let now = Date.parse('2026-01-01T00:00:00Z');
  const deps: Deps = { ...made, now: () => new Date(now) };
  const standingOf = createStandingReader();
  const is = async (): Promise<string | undefined> => {
    const told = await admit(deps, standingOf, verdict);
    return 'standing' in told ? told.standing : 'good';
  };
  expect(await is()).toBe('good');
  await setStanding(deps, actor, { standing: { is: 'suspended', until: '2026-01-01T01:00:00.000Z' }, v: 1 });
  now += 4999;
  expect(await is()).toBe('good');
  now += 1;
  expect(await is()).toBe('suspended');
  now -= 3_000_000;
  await setStanding(deps, actor, { standing: { is: 'good' }, v: 2 });
  expect(await is()).toBe('good');
  await setStanding(deps, actor, { standing: { is: 'suspended', until: '2026-01-01T01:00:00.000Z' }, v: 3 });
  now = Date.parse('2026-01-01T00:59:59.999Z');
  expect(await is()).toBe('suspended');
  now += 1;
  expect(await is()).toBe('good');
});

test('who can not be looked up is not let through', async () => {
  const made = little().deps();
  const failing = async () => {
    throw new Error('no answer');
  };
  expect(await admit(made, failing, verdict)).toMatchObject({ refused: 'standing-unknown' });
});
