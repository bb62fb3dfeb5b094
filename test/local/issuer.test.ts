import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadTenants } from '../../core/tenants.ts';
import { startOutside } from '../../local/outside.ts';
import { folder, invokes, modelOf, unasked } from './stage.ts';

const start = async (data = folder(), port = 0) => {
  const outside = await startOutside({
    data,
    port,
    tenants: 'tenants',
    model: modelOf([]),
    invoke: invokes({}),
    ...unasked,
  });
  onTestFinished(() => outside.close());
  const demo = loadTenants(outside.env.TENANTS_DIR).find(({ tenant }) => tenant === 'demo');
  if (!demo) throw new Error('there is no demo tenant');
  return { ...outside, auth: demo.auth };
};

const ask = async (http: string, body: unknown): Promise<{ status: number; body: Record<string, string> }> => {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${http}/dev/token`, { method: 'POST', body: sent });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};

const verify = async (
  token: string,
  { issuer, audience, jwksUri }: { issuer: string; audience: string; jwksUri: string },
) =>
  (await jwtVerify(token, createRemoteJWKSet(new URL(jwksUri)), { issuer, audience, algorithms: ['RS256'] })).payload;

describe('a token of the development issuer', () => {
  test('is verified by the key set that the tenant names', async () => {
    const { http, auth } = await start();
    const { status, body } = await ask(http, { user: 'ada', ttlSeconds: 60 });
    const payload = await verify(body.token ?? '', auth);
    expect(status).toBe(200);
    expect(payload).toMatchObject({ sub: 'ada', scope: 'chorus', aud: 'chorus-demo', iss: auth.issuer });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    expect(new Date(body.expiresAt ?? '').getTime()).toBe((payload.exp ?? 0) * 1000);
  });

  test('is verified by aws-jwt-verify', async () => {
    const { http, auth } = await start();
    const { token } = (await ask(http, { user: 'ada' })).body;
    const fetcher = { fetch: async (uri: string) => (await fetch(uri)).arrayBuffer() };
    const { issuer, audience, jwksUri, scope } = auth;
    const verifier = JwtVerifier.create(
      { issuer, audience, jwksUri, scope },
      { jwksCache: new SimpleJwksCache({ fetcher }) },
    );
    expect(await verifier.verify(token ?? '')).toMatchObject({ sub: 'ada' });
  });

  test('of one tenant is not for another', async () => {
    const { http, auth } = await start();
    const { token } = (await ask(http, { tenant: 'aurora', user: 'ada' })).body;
    await expect(verify(token ?? '', auth)).rejects.toThrow('"aud"');
    expect((await verify(token ?? '', { ...auth, audience: 'chorus-aurora' })).sub).toBe('ada');
  });

  test('can have expired', async () => {
    const { http, auth } = await start();
    const { token } = (await ask(http, { user: 'ada', ttlSeconds: -60 })).body;
    await expect(verify(token ?? '', auth)).rejects.toThrow('"exp"');
  });

  test('stays good after a restart on another port', async () => {
    const data = folder();
    const first = await start(data);
    const { token } = (await ask(first.http, { user: 'ada' })).body;
    await first.close();
    const second = await start(data);
    expect(second.port).not.toBe(first.port);
    expect((await verify(token ?? '', second.auth)).sub).toBe('ada');
  });

  test.each([
    ['not JSON', '{', 'the body'],
    ['a list', '[]', 'the body'],
    ['no user', {}, 'user:'],
    ['a user with a space', { user: 'a b' }, 'user: must be'],
    ['an unknown tenant', { user: 'ada', tenant: 'nobody' }, 'tenant: must be one of aurora, demo'],
    ['an unknown field', { user: 'ada', admin: true }, 'admin'],
    ['a life of a year', { user: 'ada', ttlSeconds: 31_536_000 }, 'ttlSeconds'],
  ])('is refused for %s, with the field', async (_name, request, words) => {
    const { http } = await start();
    const { status, body } = await ask(http, request);
    expect([status, body.detail]).toEqual([400, expect.stringContaining(words)]);
  });
});

test('the discovery document names issuer and keys', async () => {
  const { http, auth } = await start();
  const found = await (await fetch(`${http}/dev/issuer/.well-known/openid-configuration`)).json();
  expect(found).toMatchObject({ issuer: `${http}/dev/issuer`, jwks_uri: auth.jwksUri });
  expect(auth.issuer).toBe(`${http}/dev/issuer`);
});

describe('the derived tenants', () => {
  test('differ from the deployed ones in where they look, and in nothing else', async () => {
    const { env, auth } = await start();
    const deployed = loadTenants('tenants');
    const derived = loadTenants(env.TENANTS_DIR);
    expect(derived.map(({ tenant }) => tenant)).toEqual(deployed.map(({ tenant }) => tenant));
    for (const [index, tenant] of derived.entries()) {
      expect(tenant.auth).toMatchObject({ issuer: auth.issuer, audience: deployed[index]?.auth.audience });
      expect(tenant.push.apns?.topics).toEqual(deployed[index]?.push.apns?.topics);
      for (const url of [tenant.push.apns?.production, tenant.push.apns?.sandbox, tenant.push.fcm?.origin])
        expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    }
  });

  test('of a broken file stop the start with a sentence that names the field', async () => {
    const broken = folder();
    const demo = JSON.parse(readFileSync('tenants/demo.json', 'utf8'));
    demo.auth.audience = '';
    writeFileSync(join(broken, 'demo.json'), JSON.stringify(demo));
    const started = startOutside({
      data: folder(),
      port: 0,
      tenants: broken,
      model: modelOf([]),
      invoke: invokes({}),
      ...unasked,
    });
    await expect(started).rejects.toThrow('demo.json: auth.audience');
  });
});
