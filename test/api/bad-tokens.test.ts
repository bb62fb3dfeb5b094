/** Access tokens that are forged, foreign, stale or not ours: each is 401 with its reason, and nothing is written. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { base64url, decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { JWKS_PATH } from '../../local/issuer.ts';
import { openKeys } from '../../local/keys.ts';
import { type Json, useWorld } from '../world.ts';
import { writingNothing } from './tables.ts';
import { expectProblem, type Raw, wire } from './wire.ts';

const world = useWorld();
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
const now = Math.floor(Date.now() / 1000);

let good: string;
let issuerKey: KeyObject;
let claims: Json;
let header: JWTHeaderParameters;

beforeAll(async () => {
  good = (await world().person('ada')).token;
  claims = decodeJwt(good);
  header = decodeProtectedHeader(good) as JWTHeaderParameters;
  issuerKey = (await openKeys(join(world().env.TENANTS_DIR ?? '', '..'))('issuer', 'RS256')).privateKey;
});

/** The good token with other claims (undefined takes one away), header fields or key. */
const forge = (changed: object = {}, head: object = {}, by: KeyObject | Uint8Array = issuerKey): Promise<string> => {
  const payload = JSON.parse(JSON.stringify({ ...claims, ...changed }));
  const crit = 'crit' in head ? { crit: { exp: true } } : {};
  return new SignJWT(payload).setProtectedHeader({ ...header, ...head }).sign(by, crit);
};
/** The last of 342 characters carries 2 of its 6 bits. */
const rewritten = (): string => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return good.slice(0, -1) + alphabet[alphabet.indexOf(good.slice(-1)) ^ 1];
};
const encode = (part: unknown): string => base64url.encode(JSON.stringify(part));
const ask = (authorization: string | undefined): Promise<Raw> =>
  wire(world().http, 'POST', '/v1/socket-tickets', { headers: authorization === undefined ? {} : { authorization } });
const refused = async (authorization: string | undefined, code: string): Promise<void> => {
  const answer = await writingNothing(world(), () => ask(authorization));
  expectProblem(world(), answer, 401, code);
  expect(answer.headers['www-authenticate']).toBe('Bearer');
};

// Before the others: whoever was asked for a key it does not know is not asked again for 10 seconds.
test('of 500 unknown key ids the issuer is asked once, and good tokens stay good', async () => {
  let asked = 0;
  const count = (message: unknown): void => {
    if ((message as { request: IncomingMessage }).request.url === JWKS_PATH) asked++;
  };
  expect((await ask(`Bearer ${good}`)).status).toBe(201);
  const kids = ['../../../../dev/null', ...Array.from({ length: 49 }, (_, i) => `unknown-${i}`)];
  const tokens = await Promise.all(kids.map((kid) => forge({}, { kid })));
  subscribe('http.server.request.start', count);
  try {
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(tokens.map((token) => ask(`Bearer ${token}`)));
      // While the issuer may not be asked again, a new key's token can't be told from a forged one.
      for (const { status, body } of answers)
        expect(`${status} ${body.code}`).toMatch(/^401 (token-invalid|key-unknown)$/);
    }
  } finally {
    unsubscribe('http.server.request.start', count);
  }
  expect(asked).toBe(1);
  expect((await ask(`Bearer ${good}`)).status).toBe(201);
});

test('the token that all others are made from is good', async () => {
  expect((await ask(`Bearer ${await forge()}`)).status).toBe(201);
  expect((await ask(`bearer ${good}`)).status).toBe(201);
});

describe('a token is refused', () => {
  const hmac = () => new Uint8Array(createPublicKey(issuerKey).export({ type: 'spki', format: 'der' }));
  const pem = () => Buffer.from(createPublicKey(issuerKey).export({ type: 'spki', format: 'pem' }));
  const jwk = foreign.publicKey.export({ format: 'jwk' });
  test.each<[string, () => string | Promise<string>]>([
    ['without a signature', () => `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`],
    [
      'that says it needs none, signed',
      async () => `${encode({ ...header, alg: 'none' })}.${good.split('.').slice(1).join('.')}`,
    ],
    ['signed with the public key as a shared secret', () => forge({}, { alg: 'HS256' }, hmac())],
    ['signed with the public key’s text as a shared secret', () => forge({}, { alg: 'HS256' }, pem())],
    ['signed in an algorithm that is not the issuer’s', () => forge({}, { alg: 'PS256' })],
    ['signed by somebody else in the issuer’s name', () => forge({}, {}, foreign.privateKey)],
    ['that brings its own key', () => forge({}, { jwk }, foreign.privateKey)],
    ['that says where its key is', () => forge({}, { jku: 'http://127.0.0.1:1/jwks.json' }, foreign.privateKey)],
    ['without a key id', () => forge({}, { kid: undefined })],
    ['of another issuer', () => forge({ iss: 'https://id.example' })],
    ['for another audience', () => forge({ aud: 'another-api' })],
    ['for no audience', () => forge({ aud: undefined })],
    ['that is an ID token', () => forge({ scope: undefined, nonce: 'n' })],
    ['for another scope', () => forge({ scope: 'openid profile' })],
    ['whose scope only begins like ours', () => forge({ scope: `${claims.scope}-admin` })],
    ['that begins later', () => forge({ nbf: now + 600 })],
    ['with a critical header', () => forge({}, { crit: ['exp'], exp: now })],
    ['that never ends', () => forge({ exp: undefined })],
    ['whose end is no number', () => forge({ exp: 'tomorrow' })],
    ['whose end is beyond all numbers', () => forge({ exp: 1e300 })],
    ['of nobody', () => forge({ sub: undefined })],
    ['of a number', () => forge({ sub: 7 })],
    ['of a key of the database', () => forge({ sub: 'ada#phone' })],
    ['of a prototype', () => forge({ sub: '__proto__' })],
    ['of a constructor', () => forge({ sub: 'constructor' })],
    [
      'whose claims were changed afterwards',
      () => {
        const [head, , signature] = good.split('.');
        return `${head}.${encode({ ...claims, sub: 'ben' })}.${signature}`;
      },
    ],
    ['that could be written in another way', rewritten],
    ['of one part', () => 'token'],
    ['of three empty parts', () => '..'],
    ['of four parts', () => `${good}.${good.split('.')[2]}`],
    ['whose parts are not JSON', () => 'a.b.c'],
    ['whose payload is a list', () => `${good.split('.')[0]}.${encode([])}.${good.split('.')[2]}`],
  ])('%s', async (_, make) => refused(`Bearer ${await make()}`, 'token-invalid'));
  test('that has expired, or expires now', async () => {
    for (const exp of [now - 1, now - 86_400, 0]) await refused(`Bearer ${await forge({ exp })}`, 'token-expired');
  });
  test('that is none', async () => {
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Basic ${good}`,
      good,
      `Bearer ${good} ${good}`,
      `Bearer "${good}"`,
    ])
      await refused(header, 'unauthenticated');
  });
  test('of 8 KB by us, of 10 KB by the gateway', async () => {
    await refused(`Bearer ${await forge({ padding: 'x'.repeat(7000) })}`, 'unauthenticated');
    expect((await writingNothing(world(), async () => ask(`Bearer ${'x'.repeat(10_240)}`))).status).toBe(431);
  });
});
