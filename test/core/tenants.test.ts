/** What a folder of tenants may hold. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadTenants, TenantError } from '../../core/tenants.ts';

/** A second app of the demo's, changed. */
const folderWith = (change: (apns: Record<string, unknown>) => void): string => {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-tenants-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('tenants/demo.json', join(folder, 'demo.json'));
  const other = JSON.parse(readFileSync('tenants/demo.json', 'utf8'));
  Object.assign(other, { tenant: 'other', auth: { ...other.auth, audience: 'other' } });
  change(other.push.apns);
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
