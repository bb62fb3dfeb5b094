/** Whether a signing certificate was revoked: who is asked, what is believed, and what is remembered. */
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDeps, ports } from '../../core/deps.ts';
import { TenantId } from '../../core/ids.ts';
import type { Entry } from '../../core/log.ts';
import { revocationKey } from '../../core/purchase-keys.ts';
import type { Tenant } from '../../core/tenants.ts';
import { readAnswer, requestOf } from '../../functions/purchases/appstore-ocsp.ts';
import { checkRevocation, revokedBy } from '../../functions/purchases/revocation.ts';
import { createPki, issue, type Link, type Pki } from '../../local/providers/appstore-pki.ts';
import { bindEnvironment } from '../memory.ts';
import { createDynamo } from '../sim/dynamo/dynamo.ts';
import { now, transaction } from './pki.ts';
import { answer, isAbout, type Responder, type Said, startResponder } from './responder.ts';

const tenant = TenantId.parse('demo');
const hour = 3_600_000;

const createStage = () => {
  bindEnvironment();
  const dynamo = createDynamo([{ name: 'memory-trail' }]);
  const log: Entry[] = [];
  const clock = { ms: now.getTime() };
  const deps = makeDeps(
    { read: 0, write: 0 },
    {
      ...ports,
      send: async (command) => dynamo.send(command),
      now: () => new Date(clock.ms),
      sleep: async () => undefined,
      log: (entry) => void log.push(entry),
    },
  );
  return { deps, log, clock };
};

/** A PKI whose certificates name a responder, and what that says of each. */
const says: { leaf: Said | undefined; intermediate: Said | undefined } = { leaf: {}, intermediate: {} };
let responder: Responder;
let current: Pki;
beforeAll(async () => {
  responder = await startResponder((request) => {
    const { leaf, intermediate, root } = current.chain;
    if (isAbout(request, leaf)) return says.leaf && answer(request, intermediate, says.leaf, now);
    return isAbout(request, intermediate) && says.intermediate
      ? answer(request, root, says.intermediate, now)
      : undefined;
  });
});
afterAll(() => responder.close());

const begin = (said: Partial<typeof says> = {}) => {
  const ocsp = responder.url;
  current = createPki({ leaf: { ocsp }, intermediate: { ocsp } });
  Object.assign(says, { leaf: {}, intermediate: {} }, said);
  responder.asked.length = 0;
  const roots = current.roots.map((root) => root.toString('base64'));
  const appstore = { bundleId: 'b', appAppleId: 1, environments: ['Production'], roots };
  const shop = { tenant, purchases: { appstore } } as object as Tenant;
  const jws = current.sign(transaction());
  const [fingerprint = '', issuer = ''] = [current.chain.leaf, current.chain.intermediate].map(({ certificate }) =>
    createHash('sha256').update(certificate).digest('hex'),
  );
  return { ...createStage(), shop, jws, fingerprint, issuer, pki: current };
};

describe('a certificate', () => {
  test('is asked about with the one that issued it, and is good if both are', async () => {
    const { deps, shop, jws, fingerprint } = begin();
    expect(await checkRevocation(deps, shop, jws)).toBe('good');
    expect(responder.asked).toHaveLength(2);
    expect(await revokedBy(deps, tenant)(fingerprint)).toBe(false);
  });
  test.each([
    ['itself', 'fingerprint', { leaf: { status: 'revoked' } }],
    ['the one that issued it', 'issuer', { intermediate: { status: 'revoked' } }],
    [
      'itself, though nothing is known of the other',
      'fingerprint',
      { leaf: { status: 'revoked' }, intermediate: undefined },
    ],
  ] as const)('is revoked with %s', async (_, which, said) => {
    const { deps, shop, jws, log, ...names } = begin(said);
    const fingerprint = names[which];
    expect(await checkRevocation(deps, shop, jws, 200)).toBe('revoked');
    expect(await revokedBy(deps, tenant)(fingerprint)).toBe(true);
    expect(log).toContainEqual(expect.objectContaining({ level: 'error', msg: 'certificate revoked', fingerprint }));
  });
  test('that was revoked is never forgotten, one that is good is after a while', async () => {
    const { deps, shop, jws, fingerprint, issuer } = begin({ leaf: { status: 'revoked' } });
    await checkRevocation(deps, shop, jws);
    const row = (name: string) =>
      deps.ddb.get({ TableName: deps.env.TRAIL_TABLE, Key: revocationKey(tenant, name), ConsistentRead: true });
    expect(await row(fingerprint)).not.toHaveProperty('expires');
    expect(await row(issuer)).toHaveProperty('expires');
  });
  test('is asked about once an hour', async () => {
    const { deps, shop, jws, clock } = begin();
    await checkRevocation(deps, shop, jws);
    clock.ms += hour - 1;
    expect(await checkRevocation(deps, shop, jws)).toBe('good');
    expect(responder.asked).toHaveLength(2);
    clock.ms += 1;
    await checkRevocation(deps, shop, jws);
    expect(responder.asked).toHaveLength(4);
  });
  test('that was revoked stays so', async () => {
    const { deps, shop, jws, clock, fingerprint } = begin({ leaf: { status: 'revoked' } });
    await checkRevocation(deps, shop, jws);
    says.leaf = {};
    clock.ms += 2 * hour;
    expect(await checkRevocation(deps, shop, jws)).toBe('revoked');
    // Of the one that issued it, once more.
    expect(responder.asked).toHaveLength(3);
    expect(await revokedBy(deps, tenant)(fingerprint)).toBe(true);
  });
  test('of a responder that fails is unknown, and is not asked about for five minutes', async () => {
    const { deps, shop, jws, clock, fingerprint } = begin({ leaf: { outcome: 3 } });
    expect(await checkRevocation(deps, shop, jws)).toBe('unknown');
    expect(await checkRevocation(deps, shop, jws)).toBe('unknown');
    expect(responder.asked).toHaveLength(2);
    expect(await revokedBy(deps, tenant)(fingerprint)).toBe(false);
    says.leaf = { status: 'revoked' };
    clock.ms += 5 * 60_000;
    expect(await checkRevocation(deps, shop, jws)).toBe('revoked');
  });
  test('that another process found to be revoked is so here within five minutes', async () => {
    const { deps, clock, fingerprint } = begin();
    const revoked = revokedBy(deps, tenant);
    expect(await revoked(fingerprint)).toBe(false);
    const Item = { ...revocationKey(tenant, fingerprint), status: 'revoked', checked: clock.ms };
    await deps.ddb.put({ TableName: deps.env.TRAIL_TABLE, Item });
    expect(await revoked(fingerprint), 'a row is not read for each notification').toBe(false);
    clock.ms += 5 * 60_000;
    expect(await revoked(fingerprint)).toBe(true);
  });
  test('that names no responder is unknown, and nobody is asked', async () => {
    const { deps, shop } = begin();
    const jws = createPki().sign(transaction());
    expect(await checkRevocation(deps, shop, jws)).toBe('unknown');
    expect(responder.asked).toHaveLength(0);
  });
  test('of a responder that says nothing is unknown after the deadline', async () => {
    const { deps, shop, jws } = begin({ leaf: undefined });
    const started = performance.now();
    expect(await checkRevocation(deps, shop, jws, 200)).toBe('unknown');
    expect(performance.now() - started).toBeGreaterThan(150);
  });
});

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

describe('an answer', () => {
  const pki = createPki();
  const { leaf, intermediate } = pki.chain;
  const x509 = ({ certificate }: Link) => new X509Certificate(certificate);
  const request = requestOf(x509(leaf), x509(intermediate));
  const read = (said: Said) =>
    readAnswer(answer(request, intermediate, said, now), x509(leaf), x509(intermediate), now);
  const at = (ms: number) => new Date(now.getTime() + ms);
  const delegate = (more: object = {}) => issue({ name: 'Responder', issuer: intermediate, responder: true, ...more });
  const by = (link: Link): Said => ({ by: link, along: [link] });

  test.each([
    ['good', {}, 'good'],
    ['revoked', { status: 'revoked' }, 'revoked'],
    ['not known', { status: 'unknown' }, 'unknown'],
    ['good, says one who was made for it', by(delegate()), 'good'],
    ['revoked, says one who was made for it', { ...by(delegate()), status: 'revoked' }, 'revoked'],
    ['good, without a word for how long', { until: undefined }, 'good'],
    ['good, a minute from now', { from: at(59_000) }, 'good'],
  ] as const)('is believed: %s', (_, said, expected) => expect(read(said)).toBe(expected));

  test.each([
    ['of a stranger', by(createPki().chain.intermediate)],
    ["of somebody's own responder", by(issue({ name: 'Responder', responder: true }))],
    ["of a responder under the issuer's name, made by another", by(delegate({ signedBy: leaf }))],
    ['of a certificate that was not made for it', by(delegate({ responder: false }))],
    ['of the certificate itself', by(leaf)],
    ['of a responder that has ended', by(delegate({ until: at(-120_000) }))],
    ['of a responder that has not begun', by(delegate({ from: at(120_000) }))],
    ['of a responder that it does not send', { by: delegate() }],
    ['signed by another key', { key: leaf.key }],
    ['about another certificate', { serial: Buffer.from([1]) }],
    ['of last week', { from: at(-7 * 24 * hour), until: at(-4 * 24 * hour) }],
    ['of last week that says revoked', { status: 'revoked', from: at(-7 * 24 * hour), until: at(-4 * 24 * hour) }],
    ['of the day before yesterday, without a word for how long', { from: at(-25 * hour), until: undefined }],
    ['of tomorrow', { from: at(24 * hour), until: at(48 * hour) }],
    ['that the responder can not give', { outcome: 6 }],
  ] as const)('is not believed: one %s', (_, said) => expect(() => read(said)).toThrow());

  test('says nothing else when any of its bytes is another', () => {
    const bytes = answer(request, intermediate, { status: 'revoked' }, now);
    for (let i = 0; i < bytes.length * 8; i++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(i >> 3) ^ (1 << (i & 7)), i >> 3);
      expect(['revoked', undefined]).toContain(attempt(() => readAnswer(changed, x509(leaf), x509(intermediate), now)));
    }
  });
  test('is not believed when it is cut off', () => {
    const bytes = answer(request, intermediate, {}, now);
    for (let length = 0; length < bytes.length; length++)
      expect(() => readAnswer(bytes.subarray(0, length), x509(leaf), x509(intermediate), now)).toThrow();
  });
});
