/** What a folder of tenants may hold. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadTenants, TenantError } from '../../core/tenants.ts';

/** A second app of the demo's, changed. */
type Fields = Record<string, unknown>;
const folderWith = (change: (apns: Fields, appstore: Fields) => void): string => {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-tenants-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('tenants/demo.json', join(folder, 'demo.json'));
  const other = JSON.parse(readFileSync('tenants/demo.json', 'utf8'));
  Object.assign(other, { tenant: 'other', auth: { ...other.auth, audience: 'other' } });
  other.purchases.appstore.bundleId = 'example.other';
  change(other.push.apns, other.purchases.appstore);
  writeFileSync(join(folder, 'other.json'), JSON.stringify(other));
  return folder;
};

test('two apps of one Apple team are taken with one key, for their own topics', () => {
  const folder = folderWith((apns) => Object.assign(apns, { topics: ['example.other'] }));
  expect(loadTenants(folder).map(({ tenant }) => tenant)).toEqual(['demo', 'other']);
});

test('two keys of one Apple team are not: it is said where', () => {
  const folder = folderWith((apns) => Object.assign(apns, { keyId: 'OTHERKEY01' }));
  const refused = () => loadTenants(folder);
  expect(refused).toThrow(TenantError);
  expect(refused).toThrow(/other\.json: push\.apns\.keyId: must be demo's, DEMOKEY001, for the same Apple team/);
});

test('two tenants that sell one app are not: a purchase would have an owner in each', () => {
  const folder = folderWith((_apns, appstore) => Object.assign(appstore, { bundleId: 'example.chorus.demo' }));
  expect(() => loadTenants(folder)).toThrow(/other\.json: purchases\.appstore\.bundleId: is demo's too/);
});
