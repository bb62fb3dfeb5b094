/** Whose topics a provider token opens, at the local APNs. */
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { openKeys } from '../../local/keys.ts';
import { authenticate } from '../../local/providers/apns-token.ts';
import { apnsKey } from '../../local/secrets.ts';
import { folder, tenants } from './stage.ts';

test('those of all the team’s apps, and no other team’s', async () => {
  const [demo] = tenants.filter(({ push }) => push.apns);
  if (!demo?.push.apns) throw new Error('there is no such tenant');
  const { apns } = demo.push;
  const app = (tenant: string, change: Partial<typeof apns>) => ({
    ...demo,
    tenant: tenant as typeof demo.tenant,
    push: { ...demo.push, apns: { ...apns, ...change } },
  });
  const all = [
    app('one', { topics: ['example.one'] }),
    app('two', { topics: ['example.two'] }),
    app('three', { topics: ['example.three'], teamId: 'OTHERTEAM1', keyId: 'OTHERKEY01' }),
  ];
  const keys = openKeys(folder());
  const { privateKey } = await apnsKey(keys, apns.key);
  const token = await new SignJWT({})
    .setIssuer(apns.teamId)
    .setIssuedAt()
    .setProtectedHeader({ alg: 'ES256', kid: apns.keyId })
    .sign(privateKey);
  const options = { tenants: all, keys, teams: new Map(), changeSeconds: 0 };
  expect(await authenticate(options, `bearer ${token}`)).toEqual(['example.one', 'example.two']);
});
