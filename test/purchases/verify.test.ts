/** What the verifier takes, and what it makes of it; what it remembers; and what the libraries do alone. */
import { createHash, X509Certificate } from 'node:crypto';
import { type Environment, SignedDataVerifier } from '@apple/app-store-server-library';
import { decodeNotificationPayload } from 'app-store-server-api';
import { describe, expect, test } from 'vitest';
import { rootsOf } from '../../functions/purchases/appstore-roots.ts';
import { verifierOf } from '../../functions/purchases/appstore-verifier.ts';
import {
  rawOfStatus,
  readStored,
  type Trust,
  trustOf,
  type Verified,
  verifyNotification,
  verifyStatus,
  verifyTransaction,
} from '../../functions/purchases/verify.ts';
import { createPki, issue, LEAF_MARK, type Link } from '../../local/providers/appstore-pki.ts';
import { appAppleId, bundleId, notification, now, pki, renewal, transaction, trust } from './pki.ts';

const { leaf, intermediate, root } = pki.chain;
const day = 86_400_000;
const signedDate = now.getTime() - 1000;
const taken = (result: object): Verified => {
  expect(result).not.toHaveProperty('refused');
  return result as Verified;
};
const another = (more: object = {}): Link =>
  issue({ name: 'Local App Store', issuer: intermediate, marks: [LEAF_MARK], ...more });
const chainOf = (link: Link): Link[] => [link, intermediate, root];
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const about = { bundleId, appAppleId, environment: 'Production' };

describe("Apple's root", () => {
  test('has the fingerprint that Apple publishes', () =>
    expect(rootsOf().map((each) => new X509Certificate(each).fingerprint256)).toEqual([
      '63:34:3A:BF:B8:9A:6A:03:EB:B5:7E:9B:3F:5F:A7:BE:7C:4F:5C:75:6F:30:17:B3:A8:C4:88:C3:65:3E:91:79',
    ]));
  test('is trusted by who names no other', () => {
    const appstore = { bundleId, appAppleId, environments: ['Sandbox' as const], issuerId: '', keyId: '', key: '' };
    const urls = { production: '', sandbox: '' };
    const sold = { products: {}, restore: 'keep' as const, push: false };
    const named = { ...appstore, ...urls };
    expect(trustOf({ purchases: { ...sold, appstore: named } })).toEqual({
      ...{ bundleId, appAppleId, environments: ['Sandbox'], roots: rootsOf() },
    });
    const roots = [root.certificate.toString('base64')];
    expect(trustOf({ purchases: { ...sold, appstore: { ...named, roots } } }).roots).toEqual(pki.roots);
    expect(() => trustOf({})).toThrow('sells nothing');
  });
  test('did not sign what we signed', async () =>
    expect(await verifyNotification({ ...trust, roots: rootsOf() }, notification(), now)).toMatchObject({
      refused: 'chain',
    }));
});

describe('a genuine notification', () => {
  test('is what was signed, and what stands in it', async () => {
    const {
      payload,
      transaction: bought,
      renewal: next,
      ...rest
    } = taken(await verifyNotification(trust, notification(), now));
    expect(rest).toEqual({
      ...{ source: 'notification', id: '3838df56-31ab-4e2e-9535-e6e9377c4c77', signed: signedDate, verdict: 1 },
      ...{ uuid: '3838df56-31ab-4e2e-9535-e6e9377c4c77', environment: 'Production', type: 'DID_RENEW' },
    });
    expect(bought).toEqual(transaction());
    expect(next).toEqual(renewal());
    expect(payload).toMatchObject({ notificationType: 'DID_RENEW', data: { bundleVersion: '42' } });
  });
  test.each([
    ['TEST', { data: { ...about } }],
    ['RENEWAL_EXTENSION', { subtype: 'SUMMARY', summary: { ...about, succeededCount: 3 } }],
    ['EXTERNAL_PURCHASE_TOKEN', { externalPurchaseToken: { bundleId, appAppleId, externalPurchaseId: 'e1' } }],
    ['RESCIND_CONSENT', { appData: { ...about, signedAppTransactionInfo: 'a.b.c' } }],
    ['A_TYPE_OF_NEXT_YEAR', { subtype: 'SO_FAR_UNKNOWN', data: { ...about } }],
    ['toString', { data: { ...about } }],
  ])('of type %s is taken without a transaction', async (notificationType, body) => {
    const jws = pki.sign({ notificationType, notificationUUID: 'u1', signedDate, newField: { a: [1] }, ...body });
    const verified = taken(await verifyNotification(trust, jws, now));
    expect(verified).toMatchObject({ type: notificationType, environment: 'Production' });
    expect(verified.payload).not.toHaveProperty('newField');
  });
  test('of the sandbox has no number of the app; a token says that by how it begins', async () => {
    const sandbox = { environment: 'Sandbox' };
    const jws = notification({ data: { ...sandbox, appAppleId: undefined }, transaction: sandbox, renewal: sandbox });
    expect(taken(await verifyNotification(trust, jws, now))).toMatchObject(sandbox);
    const token = { bundleId, externalPurchaseId: 'SANDBOX_1' };
    const told = pki.sign({ notificationType: 'E', notificationUUID: 'u1', signedDate, externalPurchaseToken: token });
    expect(taken(await verifyNotification(trust, told, now))).toMatchObject(sandbox);
  });
  test('may name its key and its kind, which nobody reads', async () => {
    const header = { kid: 'Apple_Xcode_Key', typ: 'JWT' };
    taken(await verifyNotification(trust, notification({ signing: { outer: { header } } }), now));
  });
  test('may carry the root as Apple made it anew: it is not the one that counts', async () => {
    const anew = issue({ name: root.name, key: root.key, ca: true });
    const other = createPki().chain.root;
    for (const third of [anew, other])
      taken(
        await verifyNotification(
          trust,
          notification({ signing: { outer: { chain: [leaf, intermediate, third] } } }),
          now,
        ),
      );
  });
  test('may hold a thousand fields of which we know nothing, as purchases of many items do', async () => {
    const items = Array.from({ length: 250 }, (_, n) => ({
      SKU: `s${n}`,
      displayName: 'x',
      price: n,
      description: '',
    }));
    taken(await verifyNotification(trust, notification({ outer: { advancedCommerceInfo: { items } } }), now));
  });
  test('may be signed a little ahead of our clock', async () => {
    const ahead = (ms: number) =>
      verifyNotification(trust, notification({ outer: { signedDate: now.getTime() + ms } }), now);
    taken(await ahead(300_000));
    expect(await ahead(300_001)).toMatchObject({ refused: 'future' });
  });
  test('may hold what another certificate signed before, which has ended', async () => {
    const signing = { transaction: { chain: chainOf(another({ until: new Date(now.getTime() - day) })) } };
    taken(
      await verifyNotification(
        trust,
        notification({ transaction: { signedDate: now.getTime() - 2 * day }, signing }),
        now,
      ),
    );
  });
  test('of years ago is good in the history, though its certificate has ended', async () => {
    const chain = chainOf(another({ until: new Date(now.getTime() - day) }));
    const jws = notification({ outer: { signedDate: now.getTime() - 2 * day }, signing: { outer: { chain } } });
    taken(await verifyNotification(trust, jws, now, { live: false }));
    expect(await verifyNotification(trust, jws, now, { live: true })).toMatchObject({ refused: 'not-valid-now' });
  });
  test('has two signatures, as all of its curve have, and one id', async () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const [header, payload, signature = ''] = notification().split('.');
    const bytes = Buffer.from(signature, 'base64url');
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const turned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    const jws = `${header}.${payload}.${turned.toString('base64url')}`;
    expect(taken(await verifyNotification(trust, jws, now)).id).toBe('3838df56-31ab-4e2e-9535-e6e9377c4c77');
  });
});

describe('a certificate that is known to be revoked', () => {
  const revokedLeaf = another();
  const fingerprint = sha256(revokedLeaf.certificate);
  const revoked = (asked: string) => asked === fingerprint;
  const chain = chainOf(revokedLeaf);
  test.each(['outer', 'transaction', 'renewal'] as const)('signs nothing more: %s', async (which) => {
    const jws = notification({ signing: { [which]: { chain } } });
    expect(await verifyNotification(trust, jws, now, { revoked })).toMatchObject({ refused: 'revoked' });
    taken(await verifyNotification(trust, notification(), now, { revoked }));
  });
  test('is not asked about for what is forged', async () => {
    const asked: string[] = [];
    const note = (name: string) => asked.push(name) < 0;
    await verifyNotification(trust, notification({ by: createPki() }), now, { revoked: note });
    expect(asked).toEqual([]);
    await verifyNotification(trust, notification(), now, { revoked: note });
    expect(new Set(asked)).toEqual(new Set([sha256(leaf.certificate), sha256(pki.chain.intermediate.certificate)]));
  });
});

describe('a transaction', () => {
  test('is taken as a device has it, however old', async () => {
    const chain = chainOf(another({ until: new Date(now.getTime() - day) }));
    const jws = pki.sign(transaction({ signedDate: now.getTime() - 400 * day }), { chain });
    const verified = taken(await verifyTransaction(trust, jws, now));
    expect(verified).toMatchObject({
      source: 'transaction',
      id: sha256(jws),
      type: 'TRANSACTION',
      signed: now.getTime() - 400 * day,
    });
    expect(await verifyTransaction(trust, jws, now, { live: true })).toMatchObject({ refused: 'not-valid-now' });
  });
  test.each([
    ['another app', { bundleId: 'other' }, 'app'],
    ['Xcode', { environment: 'Xcode' }, 'environment'],
    ['no environment', { environment: undefined }, 'environment'],
    ['tomorrow', { signedDate: now.getTime() + day }, 'future'],
    ['no product', { productId: undefined }, 'payload'],
  ])('of %s is refused', async (_, fields, refused) =>
    expect(await verifyTransaction(trust, pki.sign(transaction(fields)), now)).toMatchObject({ refused }),
  );
  test('is not a notification', async () =>
    expect(await verifyTransaction(trust, notification(), now)).toMatchObject({ refused: 'payload' }));
});

describe('a status', () => {
  const status = (more: object = {}) => ({
    ...{
      signedTransactionInfo: pki.sign(transaction({ signedDate: signedDate - 5 })),
      signedRenewalInfo: pki.sign(renewal()),
      status: 4,
    },
    ...more,
  });
  test('is both texts and the verdict', async () => {
    const signed = status();
    const verified = taken(await verifyStatus(trust, { ...signed, originalTransactionId: '2000000010' }, now));
    expect(verified).toMatchObject({ source: 'status', type: 'STATUS', verdict: 4, signed: signedDate });
    expect(verified.id).toBe(sha256(rawOfStatus(signed)));
    expect(verified.renewal).toEqual(renewal());
  });
  test.each([
    ['of another purchase', { signedRenewalInfo: pki.sign(renewal({ originalTransactionId: '9' })) }, 'inconsistent'],
    ['without a renewal', { signedRenewalInfo: undefined }, 'payload'],
    ['of a state that is none', { status: 6 }, 'payload'],
    ['that is forged in part', { signedRenewalInfo: createPki().sign(renewal()) }, 'chain'],
    ['of the sandbox in part', { signedRenewalInfo: pki.sign(renewal({ environment: 'Sandbox' })) }, 'environment'],
    ['that is no JWS', { signedTransactionInfo: 'x' }, 'segments'],
  ])('%s is refused', async (_, more, refused) =>
    expect(await verifyStatus(trust, status(more), now)).toMatchObject({ refused }),
  );
  test('that is nothing is refused', async () =>
    expect(await verifyStatus(trust, null, now)).toMatchObject({ refused: 'payload' }));
});

describe('what was stored', () => {
  test('is read as it was verified', async () => {
    const jws = notification({ outer: { subtype: 'BILLING_RECOVERY' } });
    expect(readStored('notification', jws)).toEqual(await verifyNotification(trust, jws, now));
    const test = pki.sign({ notificationType: 'TEST', notificationUUID: 'u1', signedDate, data: about });
    expect(readStored('notification', test)).toEqual(await verifyNotification(trust, test, now));
    const bought = pki.sign(transaction());
    expect(readStored('transaction', bought)).toEqual(await verifyTransaction(trust, bought, now));
    const status = { signedTransactionInfo: bought, signedRenewalInfo: pki.sign(renewal()), status: 3 };
    expect(readStored('status', rawOfStatus(status))).toEqual(await verifyStatus(trust, status, now));
  });
  test.each([
    ['notification', 'x'],
    ['notification', pki.sign(transaction())],
    ['transaction', pki.sign(transaction({ environment: 'Xcode' }))],
    ['status', '{}'],
  ] as const)('and can not be a %s is an error', (source, raw) => expect(() => readStored(source, raw)).toThrow());
});

describe('chains that were found good', () => {
  const manyLeaves = 1000;
  const size = () => verifierOf(trust, 'Production').chains.size();
  test('are remembered, a hundred of them, and a thousand in a row are right', { timeout: 120_000 }, async () => {
    for (let n = 0; n < manyLeaves; n++) {
      const jws = pki.sign(transaction(), { chain: chainOf(another()) });
      taken(await verifyTransaction(trust, jws, now));
      expect(size()).toBeLessThanOrEqual(100);
    }
    expect(size()).toBe(100);
    taken(await verifyNotification(trust, notification(), now));
  });
  test('are not remembered when they were not', async () => {
    const before = size();
    for (let i = 0; i < 20; i++)
      expect(await verifyNotification(trust, notification({ by: createPki() }), now)).toMatchObject({
        refused: 'chain',
      });
    expect(size()).toBe(before);
  });
  test.each(['leaf', 'intermediate', 'root'] as const)(
    'have their dates looked at each time: of the %s',
    async (which) => {
      const by = createPki({ [which]: { from: new Date(now.getTime() - day), until: new Date(now.getTime() + day) } });
      const signedAt = (ms: number) => {
        const jws = by.sign(transaction({ signedDate: now.getTime() + ms }));
        return verifyTransaction({ ...trust, roots: by.roots }, jws, new Date(now.getTime() + 3 * day));
      };
      expect(await signedAt(-2 * day)).toMatchObject({ refused: 'dates' });
      taken(await signedAt(0));
      expect(await signedAt(-2 * day)).toMatchObject({ refused: 'dates' });
      expect(await signedAt(2 * day)).toMatchObject({ refused: 'dates' });
      taken(await signedAt(day + 59_000));
      expect(await signedAt(day + 61_000)).toMatchObject({ refused: 'dates' });
    },
  );
  test('are so under the roots of one tenant alone', async () => {
    const jws = notification();
    const strangers: Trust = { ...trust, roots: createPki().roots };
    taken(await verifyNotification(trust, jws, now));
    expect(await verifyNotification(strangers, jws, now)).toMatchObject({ refused: 'chain' });
    taken(await verifyNotification({ ...trust, roots: [...strangers.roots, ...trust.roots] }, jws, now));
  });
  test('are under the root that issued them, though another has its name', async () => {
    const gone = issue({ name: root.name, curve: 'P-384', ca: true, until: new Date(now.getTime() - day) });
    for (const roots of [
      [gone.certificate, root.certificate],
      [root.certificate, gone.certificate],
    ])
      for (let time = 0; time < 2; time++) taken(await verifyNotification({ ...trust, roots }, notification(), now));
  });
  test('are the exact bytes: another leaf of the same name and number of bytes is another', async () => {
    taken(await verifyNotification(trust, notification(), now));
    const twin = another({ signedBy: another() });
    expect(
      await verifyNotification(trust, notification({ signing: { outer: { chain: chainOf(twin) } } }), now),
    ).toMatchObject({
      refused: 'chain',
    });
  });
});

describe("Apple's library alone", () => {
  class Online extends SignedDataVerifier {
    protected override checkOCSPStatus = async (): Promise<void> => undefined;
  }
  test('fails at the 33rd chain when it remembers chains; ours does not', async () => {
    const library = new Online(pki.roots, true, 'Production' as Environment, bundleId, appAppleId);
    const outcomes: string[] = [];
    for (let i = 0; i < 33; i++) {
      const jws = pki.sign(transaction(), { chain: chainOf(another()) });
      outcomes.push(await library.verifyAndDecodeTransaction(jws).then(() => 'taken', String));
      taken(await verifyTransaction(trust, jws, now));
    }
    expect(outcomes.slice(0, 32)).toEqual(Array(32).fill('taken'));
    expect(outcomes[32]).not.toBe('taken');
  });
  test('believes anybody who may say that it is Xcode', async () => {
    const unsigned = `e30.${Buffer.from(JSON.stringify({ data: { bundleId, environment: 'Xcode' } })).toString('base64url')}.`;
    const library = new SignedDataVerifier(pki.roots, false, 'Xcode' as Environment, bundleId);
    expect(await library.verifyAndDecodeNotification(unsigned)).toMatchObject({ data: { environment: 'Xcode' } });
    const xcode = { ...trust, environments: ['Xcode' as 'Production'] };
    expect(await verifyNotification(xcode, unsigned, now)).toHaveProperty('refused');
    expect(await verifyNotification(xcode, notification({ data: { environment: 'Xcode' } }), now)).toMatchObject({
      refused: 'environment',
    });
  });
  test('does not look at what stands within', async () => {
    const library = new SignedDataVerifier(pki.roots, false, 'Production' as Environment, bundleId, appAppleId);
    const jws = notification({ data: { signedTransactionInfo: createPki().sign(transaction()) } });
    expect(await library.verifyAndDecodeNotification(jws)).toHaveProperty('data');
    expect(await verifyNotification(trust, jws, now)).toMatchObject({ refused: 'chain' });
  });
});

describe("app-store-server-api's decoder is no gate: it takes", () => {
  const fingerprint = new X509Certificate(root.certificate).fingerprint256;
  const unmarked = another({ marks: [] });
  const careless = another({ anyUse: true });
  const child = issue({ name: 'Child', issuer: careless });
  test.each([
    ['what a certificate signed that is not for the App Store', { chain: chainOf(unmarked) }, {}, 'chain'],
    ['what the child of a leaf signed', { chain: [child, careless, intermediate, root] }, {}, 'chain-length'],
    ["another app's", {}, { bundleId: 'example.other' }, 'app'],
    ["Xcode's", {}, { environment: 'Xcode' }, 'environment'],
  ] as const)('%s', async (_, outer, data, refused) => {
    const jws = notification({ data, signing: { outer } });
    expect(await decodeNotificationPayload(jws, fingerprint)).toHaveProperty('notificationUUID');
    expect(await verifyNotification(trust, jws, now)).toMatchObject({ refused });
  });
});
