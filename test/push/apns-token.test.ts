import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { allTenants } from '../../core/env.ts';
import { providerTokenKey } from '../../core/keys.ts';
import { type Apns, createProviderTokens } from '../../functions/push/apns-token.ts';
import { bindEnvironment } from '../memory.ts';
import { demo } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

beforeAll(bindEnvironment);

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const START_SECONDS = 1_767_225_600;

let deps: Deps;
let nowSeconds: number;
let signed: number;
let calls: number;
beforeEach(() => {
  nowSeconds = START_SECONDS;
  signed = 0;
  calls = 0;
  const little = createLittle(() => 1).deps();
  const { get, put } = little.ddb;
  const ddb: Deps['ddb'] = {
    ...little.ddb,
    get: async (input) => {
      calls += 1;
      return get(input);
    },
    put: async (input) => {
      calls += 1;
      return put(input);
    },
  };
  deps = { ...little, ddb, now: () => new Date(nowSeconds * 1000) };
});

const apnsOf = (tenant: string): Apns => {
  const apns = allTenants().get(tenant)?.push.apns;
  if (!apns) throw new Error(`${tenant} has no APNs`);
  return apns;
};

/** A process, with a memory of its own. */
const startProcess = () => {
  const tokens = createProviderTokens(async () => {
    signed += 1;
    return pem;
  });
  return {
    current: () => tokens.current(deps, apnsOf(demo)),
    refresh: (used: Awaited<ReturnType<typeof tokens.current>>) => tokens.refresh(deps, apnsOf(demo), used),
    pause: () => tokens.pause(deps, apnsOf(demo)),
  };
};

const pass = (minutes: number): void => {
  nowSeconds += minutes * 60;
};

const row = () =>
  deps.ddb.get({
    TableName: deps.env.DEVICES_TABLE,
    Key: providerTokenKey(demo, 'CHORUSDEMO', 'DEMOKEY001'),
    ConsistentRead: true,
  });

describe('a provider token', () => {
  test('is what Apple asks for', async () => {
    const { token, iat } = await startProcess().current();
    await jwtVerify(token, publicKey, { algorithms: ['ES256'], issuer: 'CHORUSDEMO', currentDate: deps.now() });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: 'DEMOKEY001' });
    expect(decodeJwt(token)).toEqual({ iss: 'CHORUSDEMO', iat });
    expect(iat).toBe(START_SECONDS);
  });

  test('is minted once for twenty processes that start at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => startProcess().current()));
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
    expect(await startProcess().current()).toEqual(tokens[0]);
  });

  test('costs no call after the first time', async () => {
    const { current } = startProcess();
    await Promise.all([current(), current(), current()]);
    const before = calls;
    pass(49);
    await current();
    expect([before, calls, signed]).toEqual([3, 3, 1]);
  });

  test('is minted anew after fifty minutes, again once for all', async () => {
    const processes = Array.from({ length: 20 }, startProcess);
    const first = await Promise.all(processes.map(({ current }) => current()));
    pass(50);
    const second = await Promise.all(processes.map(({ current }) => current()));
    expect(new Set([...first, ...second].map(({ token }) => token)).size).toBe(2);
    expect(second[0]?.iat).toBe(nowSeconds);
  });

  test('ends in the database two hours after it was made', async () => {
    await startProcess().current();
    expect((await row())?.expires).toBe(START_SECONDS + 7200);
  });

  test('that could not be made is asked for again', async () => {
    let fails = true;
    const tokens = createProviderTokens(async () => {
      if (fails) throw new Error('no secrets today');
      return pem;
    });
    await expect(tokens.current(deps, apnsOf(demo))).rejects.toThrow('no secrets today');
    fails = false;
    expect((await tokens.current(deps, apnsOf(demo))).iat).toBe(START_SECONDS);
  });
});

describe('a provider token that APNs calls expired', () => {
  test('is not replaced within twenty minutes', async () => {
    const { current, refresh } = startProcess();
    const token = await current();
    pass(19);
    expect(await refresh(token)).toBeUndefined();
    expect(await current()).toEqual(token);
  });

  test('is replaced after twenty, once for all who were told so', async () => {
    const { current, refresh } = startProcess();
    const token = await current();
    pass(20);
    const others = await Promise.all([refresh(token), refresh(token), startProcess().refresh(token)]);
    expect(others.map((other) => other?.iat)).toEqual([nowSeconds, nowSeconds, nowSeconds]);
    expect(new Set(others.map((other) => other?.token)).size).toBe(1);
    expect(await current()).toEqual(others[0]);
  });

  test('is replaced at once by one that another process has made', async () => {
    const old = startProcess();
    const token = await old.current();
    pass(55);
    const newer = await startProcess().current();
    pass(1);
    expect(await old.refresh(token)).toEqual(newer);
  });
});

test('after Apple says that we mint too often, a new key mints none either', async () => {
  const tokens = createProviderTokens(async () => pem);
  const newer = { ...apnsOf(demo), keyId: 'DEMOKEY002' };
  await tokens.pause(deps, apnsOf(demo));
  await expect(tokens.current(deps, newer)).rejects.toThrow('may not have a new token yet');
  pass(20);
  expect((await tokens.current(deps, newer)).iat).toBe(nowSeconds);
});

test('after Apple says that we mint too often, nobody mints for twenty minutes', async () => {
  const { current, pause } = startProcess();
  const token = await current();
  pass(45);
  await pause();
  pass(10);
  expect([await current(), await startProcess().current()]).toMatchObject([token, token]);
  pass(11);
  expect((await current()).iat).toBe(nowSeconds);
});
