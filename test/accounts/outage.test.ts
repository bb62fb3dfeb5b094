/** An issuer that does not answer: who has a token of a known key goes on, all others are asked for patience. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { loadTenants, type Tenant } from '../../core/tenants.ts';
import { tokenVerifier } from '../../functions/accounts/token.ts';

const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });

/** Publishes the key until it is stopped. */
const startIssuer = async () => {
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }];
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  return { origin, stop };
};

const tenantOf = (origin: string): Tenant => {
  const [tenant] = loadTenants('tenants');
  if (!tenant) throw new Error('there is no tenant');
  return { ...tenant, auth: { ...tenant.auth, issuer: origin, jwksUri: `${origin}/jwks.json`, algorithms: ['RS256'] } };
};

const mint = async ({ auth }: Tenant): Promise<string> =>
  `Bearer ${await new SignJWT({ scope: auth.scope, token_use: 'access' })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(auth.issuer)
    .setAudience(auth.audience)
    .setSubject('usr_ada')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)}`;

test('while it is out, known keys stay good, and who knows none yet is told to come again', async () => {
  const issuer = await startIssuer();
  const tenant = tenantOf(issuer.origin);
  const token = await mint(tenant);
  const running = tokenVerifier([tenant]);
  expect(await running(token)).toMatchObject({ user: 'usr_ada' });
  issuer.stop();
  expect(await running(token)).toMatchObject({ user: 'usr_ada' });
  expect(await tokenVerifier([tenant])(token)).toMatchObject({ refused: 'issuer-unavailable' });
});
