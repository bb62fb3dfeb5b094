/** What becomes of a push: decided once, sent at most once visibly, put off and given up by rule; and each step is written down. */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readDevice } from '../../core/devices.ts';
import { append, readNewest } from '../../core/events.ts';
import { DeviceId } from '../../core/ids.ts';
import { ackOf, raiseRegister, readMark } from '../../core/pointers.ts';
import { removeDevice } from '../../functions/push/addresses.ts';
import { attemptPush } from '../../functions/push/attempt.ts';
import { spendVisible } from '../../functions/push/budget.ts';
import type { Outcome } from '../../functions/push/provider.ts';
import { record } from '../../functions/push/trail.ts';
import { claimConnection } from '../../functions/sync/connections.ts';
import { bindEnvironment } from '../memory.ts';
import { ben, cleo, demo, phone } from '../people.ts';
import { createStage, START, token } from './stage.ts';

beforeAll(bindEnvironment);

const later = (patience: 'unknown' | 'flooded' | 'trouble', after?: number): Outcome => ({
  ...{ result: 'later', patience, reason: 'not now' },
  ...(after === undefined ? {} : { after }),
});
const said = (records: { decision: string; reason?: string | undefined }[]) =>
  records.map(({ decision, reason }) => (reason ? `${decision}: ${reason}` : decision));

/** Ben has a phone, and Ada says one thing. */
const one = async () => {
  const stage = await createStage();
  await stage.register(phone, 'ben');
  return { ...stage, job: await stage.say() };
};

describe('a push is sent', () => {
  test('with what the phone shows, the unread total, and ids that every attempt repeats', async () => {
    const { run, job, pushes, trail, answers, name } = await one();
    answers.push(later('unknown'));
    expect(await run(job)).toEqual([0, 5]);
    expect(pushes).toHaveLength(2);
    expect(new Set(pushes.map(({ id, collapseId }) => `${id} ${collapseId}`)).size).toBe(1);
    expect(pushes[0]).toMatchObject({ user: ben, to: { value: token('ben') }, content: { type: 'show', badge: 1 } });
    expect(said(await trail(job.v))).toEqual(['later: not now', 'sent']);
    expect((await trail(job.v))[1]).toMatchObject({
      device: phone,
      pushId: pushes[0]?.id,
      provider: 'apns',
      attempt: 1,
    });
    expect(JSON.stringify(await trail(job.v))).not.toMatch(new RegExp(`${token('ben')}|hi"`));
    expect(name).toBe(job.stream);
  });
  test('once, however often the queue brings its job', async () => {
    const { run, job, pushes, trail } = await one();
    for (let i = 0; i < 3; i++) await run(job);
    expect(pushes).toHaveLength(1);
    expect((await trail(job.v)).filter(({ decision }) => decision === 'sent')).toHaveLength(1);
  });
  test('with the sum of all that is unread', async () => {
    const { run, say, job, pushes } = await one();
    const second = await say('and?');
    await run(job);
    await run(second);
    expect(pushes.map(({ content }) => 'badge' in content && content.badge)).toEqual([2, 2]);
  });
});

describe('a push is not sent', () => {
  test('when it was acknowledged, or read elsewhere', async () => {
    const { deps, stream, run, job, pushes, trail } = await one();
    await raiseRegister(deps, ben, stream, ackOf(phone), job.v);
    await run(job);
    const tablet = DeviceId.parse('tablet');
    await raiseRegister(deps, ben, stream, readMark, 1);
    await run({ ...job, device: tablet });
    expect(pushes).toEqual([]);
    expect(said(await trail(job.v, phone))).toEqual(['skipped: acknowledged']);
    expect(said(await trail(job.v, tablet))).toEqual(['skipped: read']);
  });
  test('to who logged out, also when that happened while it was waiting, or in the last moment', async () => {
    const { deps, run, job, pushes, answers, trail } = await one();
    answers.push(later('flooded'));
    await attemptPush(deps, job);
    await removeDevice(deps, { tenant: demo, user: ben }, phone);
    await run({ ...job, attempt: 1, paid: true });
    expect(pushes).toHaveLength(1);
    expect(said(await trail(job.v))).toEqual(['later: not now', 'skipped: device gone']);
  });
  test('when it is a day old before anybody could send it', async () => {
    const { run, job, pushes, clock, trail } = await one();
    clock.now += 24 * 3600_000 + 1;
    await run(job);
    expect(pushes).toEqual([]);
    expect(said(await trail(job.v))).toEqual(['skipped: too old']);
  });
  test('when the device said that it arrived, though nobody wrote down that it was sent', async () => {
    const { deps, run, job, pushes, name, trail } = await one();
    const entry = {
      device: phone,
      what: 'show',
      decision: 'received',
      attempt: 0,
      at: deps.now().toISOString(),
    } as const;
    await record(deps, { tenant: demo, person: ben, stream: name, v: job.v }, 'show-0-received', entry);
    await run({ ...job, attempt: 1, paid: true });
    expect(pushes).toEqual([]);
    expect(said(await trail(job.v))).toContain('skipped: already sent');
  });
  test('to an address that is another person’s by now', async () => {
    const { register, run, job, pushes } = await one();
    await register(phone, 'ben', cleo);
    await run(job);
    expect(pushes).toEqual([]);
  });
});

describe('a provider that', () => {
  test.each([
    ['does not answer', 'unknown', [0, 5, 30, 180, 900]],
    ['gets too much', 'flooded', [0, 60, 120, 240, 480]],
    ['has trouble', 'trouble', [0, 900, 900, 900, 900]],
  ] as const)('%s is asked again ever later', async (_, patience, waits) => {
    const { run, job, answers, pushes, trail } = await one();
    answers.push(...Array.from({ length: 4 }, () => later(patience)));
    expect(await run(job)).toEqual(waits);
    expect(pushes).toHaveLength(5);
    expect(said(await trail(job.v)).at(-1)).toBe('sent');
  });
  test('names a time is asked again then', async () => {
    const { run, job, answers } = await one();
    answers.push(later('flooded', 7), later('trouble', 9));
    expect(await run(job)).toEqual([0, 7, 9]);
  });
  test('names a time beyond what a queue can wait is left alone until then, and that is one attempt', async () => {
    const { run, job, answers, pushes, trail } = await one();
    answers.push(later('flooded', 2000));
    expect(await run(job)).toEqual([0, 900, 900, 200]);
    expect(pushes).toHaveLength(2);
    expect((await trail(job.v)).map(({ attempt, retryAt }) => [attempt, retryAt])).toEqual([
      [0, new Date(START + 2_000_000).toISOString()],
      [1, undefined],
    ]);
  });
  test('fails in several ways has waits for each', async () => {
    const { run, job, answers } = await one();
    answers.push(later('unknown'), later('flooded'), later('unknown'), later('flooded'));
    expect(await run(job)).toEqual([0, 5, 60, 30, 120]);
  });
  test('says more than a code is quoted in the logs alone', async () => {
    const { run, job, answers, trail, log } = await one();
    answers.push({ result: 'refused', reason: '400 INVALID_ARGUMENT', detail: 'hi, Ada' });
    await run(job);
    expect(JSON.stringify(await trail(job.v))).not.toMatch('hi, Ada');
    expect(log.find(({ msg }) => msg === 'push decided')).toMatchObject({ detail: 'hi, Ada' });
  });
  test('takes our credentials again ends the hold by one push; all others follow', async () => {
    const { deps, say, answers, pushes, clock, queued } = await one();
    answers.push({ result: 'held', scope: 'tenant', reason: '403 InvalidProviderToken' });
    const jobs = [];
    for (let i = 0; i < 5; i++) jobs.push(await say(`${i}`));
    for (const job of jobs) await attemptPush(deps, job);
    expect(pushes).toHaveLength(1);
    clock.now += 900_000;
    const waiting = queued.splice(0);
    expect(waiting).toHaveLength(5);
    // All at once: the answer to the first is not there when the others look.
    const asked = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<void>();
    answers.push(async (push) => {
      asked.resolve();
      await heard.promise;
      return { result: 'sent', id: push.id };
    });
    const all = waiting.map(({ job }) => attemptPush(deps, job));
    await asked.promise;
    await vi.waitFor(() => expect(queued).toHaveLength(4));
    heard.resolve();
    await Promise.all(all);
    expect([pushes.length, queued.length, queued[0]?.delay]).toEqual([2, 4, 30]);
    // Half a minute later all go, and nobody waits for a hold any more.
    clock.now += 30_000;
    for (const { job } of queued.splice(0)) await attemptPush(deps, job);
    expect(pushes).toHaveLength(6);
    expect(queued).toEqual([]);
  });
  test('is found again in the hour after an outage gets no more than the budget allows', async () => {
    const { deps, say, answers, pushes, queued, clock } = await one();
    const jobs = [];
    for (let i = 0; i < 10; i++) jobs.push(await say(`${i}`));
    for (const patience of ['trouble', 'trouble'] as const)
      for (let i = 0; i < 10; i++) {
        answers.push(later(patience));
        const job = jobs.shift() ?? queued.shift()?.job;
        if (job) await attemptPush(deps, job);
      }
    clock.now += 900_000;
    pushes.length = 0;
    for (let i = 0; i < 5; i++) await attemptPush(deps, await say(`new ${i}`));
    for (const { job } of queued.splice(0)) await attemptPush(deps, job);
    expect(pushes).toHaveLength(10);
  });
  test('never recovers is given up after a day, and the trail says so', async () => {
    const { run, job, answers, clock, trail } = await one();
    answers.push(...Array.from({ length: 300 }, () => later('trouble')));
    await run(job);
    expect((clock.now - START) / 3600_000).toBeCloseTo(24, 0);
    expect(said(await trail(job.v)).at(-1)).toBe('failed: given up: not now');
  });
  test('does not take our credentials is left alone for a while, all tokens stay, and an alarm rings', async () => {
    const { deps, run, say, job, answers, pushes, log } = await one();
    const other = await say('again');
    answers.push({ result: 'held', scope: 'tenant', reason: '403 InvalidProviderToken' });
    await attemptPush(deps, job);
    await attemptPush(deps, other);
    expect(pushes).toHaveLength(1);
    expect(log.filter(({ msg }) => msg === 'push held')).toHaveLength(1);
    expect((await readDevice(deps, demo, ben, phone))?.push).toBeDefined();
    expect(await run({ ...job, attempt: 1, paid: true })).not.toEqual([]);
    expect(pushes.length).toBeGreaterThan(1);
  });
  test('takes our message for wrong has it parked, and the token stays', async () => {
    const { deps, run, job, answers, parked, trail } = await one();
    answers.push({ result: 'refused', reason: '400 BadCollapseId' });
    await run(job);
    expect(parked).toHaveLength(1);
    expect(said(await trail(job.v))).toEqual(['failed: 400 BadCollapseId']);
    expect((await readDevice(deps, demo, ben, phone))?.push).toBeDefined();
  });
});

describe('an address that a provider knows no more', () => {
  const gone = (since?: number): Outcome => ({
    ...{ result: 'gone', reason: '410 Unregistered' },
    ...(since === undefined ? {} : { since }),
  });
  const after = async (answer: (stage: Awaited<ReturnType<typeof one>>) => Outcome | (() => Promise<Outcome>)) => {
    const stage = await one();
    stage.answers.push(answer(stage));
    await stage.run(stage.job);
    const row = await readDevice(stage.deps, demo, ben, phone);
    return { isKept: row?.push !== undefined, lost: row?.lost?.reason, trail: said(await stage.trail(stage.job.v)) };
  };
  test('since its registration is forgotten, and the device is told why', async () =>
    expect(await after(() => gone(START + 1))).toEqual({
      isKept: false,
      lost: '410 Unregistered',
      trail: [expect.stringContaining('failed: 410 Unregistered')],
    }));
  test.each([START - 1, START, 0])('since %s, before its registration, is kept', async (since) =>
    expect(await after(() => gone(since))).toMatchObject({ isKept: true, lost: undefined }),
  );
  test('is forgotten where the provider does not say since when', async () =>
    expect(await after(() => gone())).toMatchObject({ isKept: false }));
  test.each([START + 1, undefined])('is kept when it was registered anew while the provider answered', async (since) =>
    expect(
      await after((stage) => async () => {
        stage.clock.now += 1000;
        await stage.register(phone, 'ben');
        return gone(since);
      }),
    ).toMatchObject({ isKept: true, lost: undefined }),
  );
  test('is kept when too many are at once', async () => {
    const { register, say, run, answers, deps, log } = await createStage();
    const kept: boolean[] = [];
    for (let i = 0; i < 30; i++) {
      const device = DeviceId.parse(`phone-${i % 10}`);
      await register(device, `ben ${i % 10}`);
      const job = await say('hi', device);
      answers.push(gone());
      await run(job);
      kept.push((await readDevice(deps, demo, ben, device))?.push !== undefined);
    }
    expect(kept.filter((is) => !is)).toHaveLength(20);
    expect(log.some(({ msg }) => msg === 'push breaker open')).toBe(true);
  });
});

describe('when a device gets very many', () => {
  test('of many streams each waits for its own turn, and none is asked for twice', async () => {
    const { deps, register, say, run, pushes, trail, clock } = await createStage();
    await register(phone, 'ben');
    for (let i = 0; i < 10; i++) await spendVisible(deps, { tenant: demo, person: ben, device: phone }, `other/${i}`);
    for (let i = 0; i < 60; i++) await spendVisible(deps, { tenant: demo, person: ben, device: phone }, `more/${i}`);
    const job = await say();
    expect(await run(job)).toEqual([0, 900, 320]);
    expect(clock.now).toBe(START + 61 * 20_000);
    expect(pushes).toHaveLength(1);
    expect((await trail(job.v)).map(({ attempt, decision }) => [attempt, decision])).toEqual([
      [0, 'later'],
      [1, 'sent'],
    ]);
  });
  test('what stands for others is shown itself: not one that was taken back', async () => {
    const { deps, stream, register, say, run, queued, trail } = await createStage();
    await register(phone, 'ben');
    const all = [];
    for (let i = 0; i < 13; i++) all.push(await say(`${i}`));
    for (const job of all.slice(0, 12)) await attemptPush(deps, job);
    const [newest] = await readNewest(deps, stream, 1);
    if (!newest) throw new Error('there is nothing');
    const events = [{ type: 'Deleted', id: 'msg_13' }];
    await append(deps, stream, { ...newest, v: newest.v + 1, command: 'usr_ada/delete', events });
    for (const { job } of queued.splice(0)) await run(job);
    const last = all[11]?.v ?? 0;
    expect((await trail(last - 1)).at(-1)?.into).toMatch(new RegExp(`@${last}$`));
    expect(said(await trail(last)).at(-1)).toBe('sent');
  });
  test('the newest stands for those that had to wait, and the trail says which', async () => {
    const { deps, register, say, run, pushes, trail, queued } = await createStage();
    await register(phone, 'ben');
    const all = [];
    for (let i = 0; i < 14; i++) all.push(await say(`${i}`));
    for (const job of all) await attemptPush(deps, job);
    expect(pushes).toHaveLength(10);
    const waiting = queued.splice(0);
    for (const { job } of waiting) await run(job);
    const last = all.at(-1)?.v ?? 0;
    expect(pushes).toHaveLength(11);
    expect((await trail(last - 1)).at(-1)).toMatchObject({ decision: 'skipped', reason: 'collapsed' });
    expect((await trail(last - 1)).at(-1)?.into).toMatch(new RegExp(`@${last}$`));
    expect(said(await trail(last)).at(-1)).toBe('sent');
  });
});

describe('what is read on one device', () => {
  const clearing = async () => {
    const stage = await one();
    await stage.run(stage.job);
    await raiseRegister(stage.deps, ben, stage.stream, readMark, 1);
    return { ...stage, job: { ...stage.job, what: 'clear' as const, read: 1 } };
  };
  test('is cleared on another, and its badge set, without showing anything', async () => {
    const { run, job, pushes } = await clearing();
    await run(job);
    expect(pushes.at(-1)?.content).toEqual({ type: 'clear', stream: job.stream, v: job.v, badge: 0 });
    expect(pushes.at(-1)?.id).not.toBe(pushes[0]?.id);
  });
  test('once for each mark, though nothing new was written', async () => {
    const { deps, stream, run, job, say, pushes } = await clearing();
    const { v } = await say('more');
    await say('and more');
    await raiseRegister(deps, ben, stream, readMark, 2);
    for (let i = 0; i < 2; i++) await run({ ...job, v: v + 1, read: 2 });
    await raiseRegister(deps, ben, stream, readMark, 3);
    for (let i = 0; i < 2; i++) await run({ ...job, v: v + 1, read: 3 });
    const clears = pushes.flatMap(({ content }) => (content.type === 'clear' ? [content.v] : []));
    expect(clears).toEqual([v, v + 1]);
  });
  test('also when what was read is days old and the provider asks for patience', async () => {
    const { run, job, pushes, answers, clock } = await clearing();
    clock.now += 3 * 24 * 3600_000;
    answers.push(later('flooded'));
    expect(await run(job)).toEqual([0, 60]);
    expect(pushes.filter(({ content }) => content.type === 'clear')).toHaveLength(2);
  });
  test('also when one answers before it was told', async () => {
    const { run, job, say, pushes } = await clearing();
    await say('me too', phone, ben);
    await run(job);
    expect(pushes.at(-1)?.content).toEqual({ type: 'clear', stream: job.stream, v: job.v + 1, badge: 0 });
  });
  test.each([
    ['only claims to be connected', 0, 'sent'],
    ['is connected: it acknowledged all', 1, 'skipped: connected'],
  ])('or not, where the device %s', async (_, acknowledged, becomes) => {
    const { deps, stream, run, job, trail } = await clearing();
    const expires = Math.floor(START / 1000) + 3600;
    await claimConnection(deps, { tenant: demo, user: ben, device: phone, expires }, 'c1');
    if (acknowledged) await raiseRegister(deps, ben, stream, ackOf(phone), job.v);
    await run(job);
    expect(said((await trail(job.v)).filter(({ what }) => what === 'clear'))).toEqual([becomes]);
  });
  test('up to the last of hundreds that is read, however many are not', async () => {
    const { deps, stream, run, job, say, pushes } = await clearing();
    for (let i = 0; i < 130; i++) await say(`${i}`);
    await raiseRegister(deps, ben, stream, readMark, 17);
    await run({ ...job, v: job.v + 130, read: 17 });
    expect(pushes.at(-1)?.content).toMatchObject({ type: 'clear', v: job.v + 16 });
  });
  test('at most three times in any hour, also when the provider fails or does not answer', async () => {
    const { deps, stream, say, run, job, pushes, answers, clock } = await clearing();
    const times: number[] = [];
    const noting = (outcome: Outcome) => async () => {
      times.push(clock.now);
      return outcome;
    };
    answers.push(...[later('unknown'), later('unknown'), later('trouble'), later('flooded')].map(noting));
    answers.push(...Array.from({ length: 20 }, () => noting({ result: 'sent', id: 'x' })));
    for (let read = 2; read <= 5; read++) {
      const { v } = await say(`${read}`);
      await raiseRegister(deps, ben, stream, readMark, read);
      await run({ ...job, v, read });
    }
    expect(times.length).toBeGreaterThan(6);
    expect(pushes.length).toBe(times.length + 1);
    const apart = times.slice(3).map((time, i) => time - (times[i] ?? 0));
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(3600_000);
  });
  test('only up to there', async () => {
    const { run, job, say, pushes } = await clearing();
    await say('more');
    await run(job);
    expect(pushes.at(-1)?.content).toMatchObject({ type: 'clear', v: job.v, badge: 1 });
  });
  test('is cleared at most three times an hour, then by the newest', async () => {
    const { deps, stream, say, run, job, pushes, clock } = await clearing();
    for (let read = 2; read <= 6; read++) {
      const { v } = await say(`${read}`);
      await raiseRegister(deps, ben, stream, readMark, read);
      await run({ ...job, v, read });
    }
    const clears = pushes.filter(({ content }) => content.type === 'clear');
    expect(clears.length).toBeGreaterThan(2);
    expect((clock.now - START) / 1000).toBeGreaterThanOrEqual(3000);
  });
});
