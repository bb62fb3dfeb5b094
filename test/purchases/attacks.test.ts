/** What is sent to the webhook and must not be believed: one row, one input, the one rule that refuses it. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type RuleName, type Trust, verifyNotification } from '../../functions/purchases/verify.ts';
import {
  createPki,
  encode,
  INTERMEDIATE_MARK,
  issue,
  LEAF_MARK,
  type Link,
  signSegments,
  x5cOf,
} from '../../local/providers/appstore-pki.ts';
import {
  appAppleId,
  bundleId,
  notification,
  notificationPayload,
  now,
  pki,
  renewal,
  transaction,
  trust,
} from './pki.ts';

type Row = readonly [input: string, jws: () => string, rule: RuleName, trust?: Partial<Trust>];

const { leaf, intermediate, root } = pki.chain;
const good = notification();
const [header = '', payload = '', signature = ''] = good.split('.');
const text = JSON.stringify(notificationPayload());
const day = 86_400_000;
const signedDate = now.getTime() - 1000;
const beyond = 8.64e15 + 1;

/** A good payload under a header that is only in part good. */
const headed = (json: string | object) => (): string => signSegments(encode(json), payload, leaf.key);
const withHeader = (more: Record<string, unknown>) => (): string =>
  notification({ signing: { outer: { header: more } } });
const raw = (json: string) => (): string => pki.sign(json);
const chained =
  (...chain: Link[]) =>
  (): string =>
    notification({ signing: { outer: { chain } } });
const x5c = (...certificates: unknown[]) => withHeader({ x5c: certificates });
const [c0 = '', c1 = '', c2 = ''] = x5cOf([leaf, intermediate, root]);

/** Under our own root, but not as the App Store's are. */
const odd = (parts: Parameters<typeof createPki>[0]) => (): string => {
  const other = createPki({ ...parts, root: { key: root.key } });
  const chain = [other.chain.leaf, other.chain.intermediate, root];
  return notification({ signing: { outer: { chain } } });
};
const base = { name: 'Local App Store', issuer: intermediate, marks: [LEAF_MARK] };
const old = { from: new Date(signedDate - 900 * day), until: new Date(signedDate - day) };
const young = { from: new Date(signedDate + day), until: new Date(signedDate + 900 * day) };

const form: Row[] = [
  ['10 MB of text', () => 'a'.repeat(10 * 1024 * 1024), 'too-large'],
  [
    'one byte more than 64 KB',
    () => `${header}.${'A'.repeat(65_536 - header.length - signature.length - 1)}.${signature}`,
    'too-large',
  ],
  ['a genuine one of 70 KB', () => notification({ data: { ballast: 'x'.repeat(60_000) } }), 'too-large'],
  ['30,000 characters of three bytes', () => '€'.repeat(30_000), 'too-large'],
  ['nothing', () => '', 'segments'],
  ['no points', () => header, 'segments'],
  ['two parts', () => `${header}.${payload}`, 'segments'],
  ['four parts', () => `${good}.AAAA`, 'segments'],
  ['five parts, as encrypted ones have', () => `${good}.AAAA.AAAA`, 'segments'],
  ['30,000 points', () => '.'.repeat(30_000), 'segments'],
  ['no signature', () => `${header}.${payload}.`, 'segments'],
  ['no payload', () => `${header}..${signature}`, 'segments'],
  ['a space before it', () => ` ${good}`, 'base64url'],
  ['a line end after it', () => `${good}\n`, 'base64url'],
  ['a space in the payload', () => `${header}.${payload.slice(0, 8)} ${payload.slice(8)}.${signature}`, 'base64url'],
  ['padding after the signature', () => `${good}==`, 'base64url'],
  ['padding after the header', () => `${header}=.${payload}.${signature}`, 'base64url'],
  ['the other base64', () => `${header}.${payload}.${'+/'.repeat(43)}`, 'base64url'],
  ['bits that nobody reads', () => `${good.slice(0, -1)}${nextTo(good.slice(-1))}`, 'base64url'],
  ['a character of no bytes', () => `${header}.${payload}\u0000.${signature}`, 'base64url'],
];

/** The same byte, written in another way. */
function nextTo(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[letters.indexOf(letter) | 1] ?? '';
}

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const headers: Row[] = [
  ['a header that is no JSON', headed('{'), 'header'],
  ['a header that is a list', headed('[]'), 'header'],
  ['a header that is null', headed('null'), 'header'],
  ['`alg` twice', headed(`{"alg":"ES256","alg":"none","x5c":${JSON.stringify([c0, c1, c2])}}`), 'header'],
  ['`alg` twice, once in disguise', headed(`{"alg":"ES256","\\u0061lg":"none","x5c":[]}`), 'header'],
  [
    '`__proto__` in the header',
    headed(`{"__proto__":{},"alg":"ES256","x5c":${JSON.stringify([c0, c1, c2])}}`),
    'header',
  ],
  ['a header after a byte order mark', headed(`\ufeff{"alg":"ES256","x5c":${JSON.stringify([c0, c1, c2])}}`), 'header'],
  [
    'a header that is not UTF-8',
    () => {
      const json = Buffer.from(`{"alg":"ES256","kid":"\u00ff","x5c":${JSON.stringify([c0, c1, c2])}}`, 'latin1');
      return signSegments(json.toString('base64url'), payload, leaf.key);
    },
    'header',
  ],
  ['`crit`', withHeader({ crit: ['exp'] }), 'header'],
  ['`b64`', withHeader({ b64: false }), 'header'],
  ['`zip`', withHeader({ zip: 'DEF' }), 'header'],
  ['`jku`', withHeader({ jku: 'https://example.com/keys' }), 'header'],
  ['`x5u`', withHeader({ x5u: 'https://example.com/chain' }), 'header'],
  ['`jwk`', withHeader({ jwk: leaf.key.export({ format: 'jwk' }) }), 'header'],
  ['a `kid` that is no text', withHeader({ kid: { a: 1 } }), 'header'],
  ['no algorithm', headed({ x5c: [c0, c1, c2] }), 'header'],
  ['no certificates', headed({ alg: 'ES256' }), 'header'],
  ['certificates that are one text', withHeader({ x5c: c0 }), 'header'],
  ['the algorithm none', withHeader({ alg: 'none' }), 'algorithm'],
  ['the algorithm in small letters', withHeader({ alg: 'es256' }), 'algorithm'],
  [
    'HS256 with the public key as its secret',
    () => {
      const segments = `${encode({ alg: 'HS256', x5c: [c0, c1, c2] })}.${payload}`;
      return `${segments}.${createHmac('sha256', leaf.certificate).update(segments).digest('base64url')}${'A'.repeat(43)}`;
    },
    'algorithm',
  ],
  ['RS256', withHeader({ alg: 'RS256' }), 'algorithm'],
  ['ES384', withHeader({ alg: 'ES384' }), 'algorithm'],
];

const lengths = [0, 1, 2, 4, 100].map(
  (n): Row => [
    `${n} certificates`,
    x5c(...Array.from({ length: n }, (_, i) => (n === 100 ? 'AAAA' : ([c0, c1, c2][i] ?? c2)))),
    'chain-length',
  ],
);
const child = issue({ name: 'Child', issuer: leaf, marks: [LEAF_MARK] });
const certificates: Row[] = [
  ...lengths,
  ['a child that a leaf made, under four certificates', chained(child, leaf, intermediate, root), 'chain-length'],
  ['certificates that are numbers', x5c(1, 2, 3), 'certificate'],
  ['certificates that are nothing', x5c('', '', ''), 'certificate'],
  [
    'certificates in base64url',
    x5c(c0.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''), c1, c2),
    'certificate',
  ],
  ['a certificate in two lines', x5c(`${c0.slice(0, 64)}\n${c0.slice(64)}`, c1, c2), 'certificate'],
  ['a certificate as PEM', x5c(`-----BEGIN CERTIFICATE-----\n${c0}\n-----END CERTIFICATE-----`, c1, c2), 'certificate'],
  ['certificates that are none', x5c('AAAA', 'AAAA', 'AAAA'), 'certificate'],
  ['a third certificate that is none', x5c(c0, c1, 'AAAA'), 'certificate'],
  ['half of a certificate', x5c(leaf.certificate.subarray(0, 200).toString('base64'), c1, c2), 'certificate'],
  [
    'something after a certificate',
    x5c(Buffer.concat([leaf.certificate, Buffer.alloc(3)]).toString('base64'), c1, c2),
    'certificate',
  ],
  ['a certificate of 8 KB', odd({ leaf: { ballast: 8000 } }), 'certificate'],
  ['a certificate of 1 MB', odd({ leaf: { ballast: 1024 * 1024 } }), 'too-large'],
  [
    'a third certificate of 1 MB',
    chained(leaf, intermediate, issue({ name: 'Large', ballast: 1024 * 1024 })),
    'too-large',
  ],
  ['a leaf on P-384', odd({ leaf: { key: p384 } }), 'certificate'],
  ['the certificates in the order of the root', chained(root, intermediate, leaf), 'certificate'],
];

const chains: Row[] = [
  ["a PKI of somebody's own, with all names and marks", () => notification({ by: createPki() }), 'chain'],
  [
    "somebody's own leaf and intermediate before the true root",
    () => {
      const own = createPki();
      return notification({ signing: { outer: { chain: [own.chain.leaf, own.chain.intermediate, root] } } });
    },
    'chain',
  ],
  ["somebody's own leaf before the true intermediate", chained(createPki().chain.leaf, intermediate, root), 'chain'],
  ['a leaf without the mark: one that developers may hold', odd({ leaf: { marks: [] } }), 'chain'],
  ['an intermediate without the mark', odd({ intermediate: { marks: [] } }), 'chain'],
  ['neither with its mark', odd({ leaf: { marks: [] }, intermediate: { marks: [] } }), 'chain'],
  [
    'the marks on the wrong ones',
    odd({ leaf: { marks: [INTERMEDIATE_MARK] }, intermediate: { marks: [LEAF_MARK] } }),
    'chain',
  ],
  ['an intermediate that is no authority', odd({ intermediate: { ca: false } }), 'chain'],
  ['an intermediate that does not say whether it is one', odd({ intermediate: { ca: undefined } }), 'chain'],
  ['a child that a leaf made, under three certificates', chained(child, leaf, intermediate), 'chain'],
  ['a leaf that the root issued', chained(issue({ ...base, issuer: root }), root, root), 'chain'],
  ['a leaf that is its own authority', chained(leaf, leaf, leaf), 'chain'],
  [
    "a leaf under the intermediate's name, signed by another",
    chained(issue({ ...base, signedBy: leaf }), intermediate, root),
    'chain',
  ],
  [
    'a leaf of another name, signed by the intermediate',
    chained(issue({ ...base, issuer: { ...intermediate, name: 'Other' } }), intermediate, root),
    'chain',
  ],
  ["an intermediate under the root's name, signed by another", odd({ intermediate: { signedBy: leaf } }), 'chain'],
  [
    'an intermediate under another root that is trusted elsewhere',
    () => notification(),
    'chain',
    { roots: createPki().roots },
  ],
  ['nothing is trusted', () => notification(), 'chain', { roots: [] }],
  ['a leaf that had ended', chained(issue({ ...base, ...old }), intermediate, root), 'dates'],
  ['a leaf that had not begun', chained(issue({ ...base, ...young }), intermediate, root), 'dates'],
  ['an intermediate that had ended', odd({ intermediate: old }), 'dates'],
  [
    'a leaf that ended since',
    chained(issue({ ...base, until: new Date(now.getTime() - 500_000) }), intermediate, root),
    'dates',
  ],
  [
    'a leaf that ended between its signature and now',
    () => {
      const ended = issue({ ...base, until: new Date(now.getTime() - 500_000) });
      const chain = [ended, intermediate, root];
      return notification({ outer: { signedDate: now.getTime() - 600_000 }, signing: { outer: { chain } } });
    },
    'not-valid-now',
  ],
  [
    'one of two years ago, sent again',
    () => {
      const chain = [issue({ ...base, until: new Date(now.getTime() - day) }), intermediate, root];
      return notification({ outer: { signedDate: now.getTime() - 730 * day }, signing: { outer: { chain } } });
    },
    'not-valid-now',
  ],
];

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const derSigned = sign('sha256', Buffer.from(`${header}.${payload}`), leaf.key).toString('base64url');
const signatures: Row[] = [
  [
    'a changed payload',
    () => `${header}.${encode({ ...notificationPayload(), notificationType: 'REFUND' })}.${signature}`,
    'signature',
  ],
  ['a changed header', () => `${encode({ x5c: [c0, c1, c2], alg: 'ES256' })}.${payload}.${signature}`, 'signature'],
  ["somebody else's signature", () => notification({ signing: { outer: { key: other } } }), 'signature'],
  ['the signature of another text', () => `${header}.${payload}.${pki.sign(transaction()).split('.')[2]}`, 'signature'],
  ['a signature of zeros', () => `${header}.${payload}.${'A'.repeat(86)}`, 'signature'],
  ['a signature of ones', () => `${header}.${payload}.${Buffer.alloc(64, 0xff).toString('base64url')}`, 'signature'],
  ['a signature in DER', () => `${header}.${payload}.${derSigned}`, 'signature'],
  ['half of a signature', () => `${header}.${payload}.${signature.slice(0, 44)}`, 'signature'],
  ['a signature of 63 bytes', () => `${header}.${payload}.${Buffer.alloc(63, 1).toString('base64url')}`, 'signature'],
  ['a signature of 40 KB', () => `${header}.${payload}.${Buffer.alloc(40_000, 1).toString('base64url')}`, 'signature'],
];

const set = (more: Record<string, unknown>) => (): string => notification({ outer: more });
const data = (more: Record<string, unknown>) => (): string => notification({ data: more });
const bytes = (value: Buffer) => (): string => signSegments(header, value.toString('base64url'), leaf.key);
const payloads: Row[] = [
  ['a payload that is no JSON', raw('{"a":'), 'json'],
  ['a payload that is a list', raw('[{}]'), 'json'],
  ['a payload that is null', raw('null'), 'json'],
  ['a payload that is text', raw('"text"'), 'json'],
  ['a payload that is not UTF-8', bytes(Buffer.from(text.replace('"2.0"', '"2.0\u00ff"'), 'latin1')), 'json'],
  ['a payload after a byte order mark', raw(`\ufeff${text}`), 'json'],
  ['a key twice', raw(text.replace('{', '{"signedDate":1,')), 'json'],
  ['a key twice, within', raw(text.replace('"data":{', '"data":{"bundleId":"x",')), 'json'],
  ['a key twice, once in disguise', raw(text.replace('"data":{', '"data":{"\\u0062undleId":"x",')), 'json'],
  ['`__proto__`', raw(text.replace('{', '{"__proto__":{"signedDate":1},')), 'json'],
  ['`__proto__` within', raw(text.replace('"data":{', '"data":{"__proto__":{},')), 'json'],
  ['2,001 keys', raw(JSON.stringify(Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`k${i}`, i])))), 'json'],
  ['10,000 lists in each other', raw('['.repeat(10_000)), 'json'],
  ['text after it', raw(`${text} {}`), 'json'],
  ['no date', set({ signedDate: undefined }), 'payload'],
  ['a date as text', set({ signedDate: String(signedDate) }), 'payload'],
  ['a date that no clock can show', set({ signedDate: beyond }), 'payload'],
  ['a date of 1e300', set({ signedDate: 1e300 }), 'payload'],
  ['a date before 1970', set({ signedDate: -1 }), 'payload'],
  ['half a millisecond', set({ signedDate: signedDate + 0.5 }), 'payload'],
  ['no type', set({ notificationType: undefined }), 'payload'],
  ['a type that is a number', set({ notificationType: 7 }), 'payload'],
  ['a type of 10 KB', set({ notificationType: 'A'.repeat(10_000) }), 'payload'],
  ['no UUID', set({ notificationUUID: undefined }), 'payload'],
  ['a UUID that is a key of ours', set({ notificationUUID: 'a#b' }), 'payload'],
  ['data, and a summary too', set({ summary: { bundleId, appAppleId, environment: 'Production' } }), 'payload'],
  ['a token that ended', set({ exp: 1 }), 'payload'],
  ['a token that did not begin', set({ nbf: 9e9 }), 'payload'],
  ['nothing that it is about', set({ data: undefined }), 'environment'],
  ['data that are null', set({ data: null }), 'environment'],
  ['data that are a list', set({ data: [] }), 'environment'],
  ['no environment', data({ environment: undefined }), 'environment'],
  ['the environment Xcode', data({ environment: 'Xcode' }), 'environment'],
  ['the environment LocalTesting', data({ environment: 'LocalTesting' }), 'environment'],
  ['the environment in small letters', data({ environment: 'production' }), 'environment'],
  ['two environments', data({ environment: ['Production', 'Sandbox'] }), 'environment'],
  [
    'the sandbox, to an app that takes production',
    data({ environment: 'Sandbox' }),
    'environment',
    { environments: ['Production'] },
  ],
  ['production, to an app that takes the sandbox', () => notification(), 'environment', { environments: ['Sandbox'] }],
  [
    'Xcode without any signature',
    () => `${encode({ alg: 'none' })}.${encode({ data: { environment: 'Xcode' } })}.${signature}`,
    'header',
  ],
  ["another tenant's", data({ bundleId: 'example.other' }), 'app'],
  ["another tenant's, to us", () => notification(), 'app', { bundleId: 'example.other' }],
  ['no app', data({ bundleId: undefined }), 'payload'],
  ['another number of the app', data({ appAppleId: 1 }), 'app'],
  ['no number of the app', data({ appAppleId: undefined }), 'app'],
  ['a number of the app as text', data({ appAppleId: String(appAppleId) }), 'payload'],
  [
    "another app's summary",
    set({ data: undefined, summary: { bundleId: 'other', appAppleId, environment: 'Production' } }),
    'app',
  ],
  [
    "another app's token",
    set({ data: undefined, externalPurchaseToken: { bundleId: 'other', appAppleId, externalPurchaseId: 'a' } }),
    'app',
  ],
  [
    "another app's data of the app",
    set({ data: undefined, appData: { bundleId: 'other', appAppleId, environment: 'Production' } }),
    'app',
  ],
  ['signed in six minutes', set({ signedDate: now.getTime() + 6 * 60_000 }), 'future'],
];

const inside = (jws: string) => data({ signedTransactionInfo: jws });
const renewing = (jws: string) => data({ signedRenewalInfo: jws });
const within = (more: Record<string, unknown>) => (): string => notification({ transaction: more });
const unmarked = issue({ ...base, marks: [] });
const nested: Row[] = [
  [
    'a transaction that nobody signed',
    inside(`${encode({ alg: 'none', x5c: [] })}.${encode(transaction())}.${signature}`),
    'algorithm',
  ],
  ['a transaction without a signature', inside(`${encode({ alg: 'ES256' })}.${encode(transaction())}.`), 'segments'],
  ["a transaction of somebody's own PKI", inside(createPki().sign(transaction())), 'chain'],
  [
    'a transaction by a leaf without the mark',
    inside(pki.sign(transaction(), { chain: [unmarked, intermediate, root] })),
    'chain',
  ],
  ['a transaction signed by another key', inside(pki.sign(transaction(), { key: other })), 'signature'],
  ['a transaction with padding', inside(`${pki.sign(transaction())}==`), 'base64url'],
  [
    'a transaction with a key twice',
    inside(pki.sign(JSON.stringify(transaction()).replace('{', '{"quantity":9,'))),
    'json',
  ],
  ['a transaction that is text', data({ signedTransactionInfo: 7 }), 'payload'],
  ['an empty transaction', inside(''), 'payload'],
  ["another app's transaction", within({ bundleId: 'example.other' }), 'app'],
  ['a transaction of the sandbox', within({ environment: 'Sandbox' }), 'environment'],
  ['a transaction of Xcode', within({ environment: 'Xcode' }), 'environment'],
  ['a transaction without an id', within({ transactionId: undefined }), 'payload'],
  ['a transaction whose id is a key of ours', within({ originalTransactionId: '1#2' }), 'payload'],
  ['a transaction bought at a time that no clock can show', within({ purchaseDate: beyond }), 'payload'],
  ['a transaction that ends then', within({ expiresDate: beyond }), 'payload'],
  ['a transaction signed then', within({ signedDate: beyond }), 'payload'],
  ['a transaction of minus one', within({ quantity: -1 }), 'payload'],
  ['a transaction signed tomorrow', within({ signedDate: now.getTime() + day }), 'future'],
  ['a renewal in place of the transaction', inside(pki.sign(renewal())), 'payload'],
  ['a notification in place of the transaction', inside(pki.sign({ notificationType: 'TEST', signedDate })), 'payload'],
  ['a transaction in place of the renewal', renewing(pki.sign(transaction({ autoRenewStatus: 'yes' }))), 'payload'],
  ["a renewal of somebody's own PKI", renewing(createPki().sign(renewal())), 'chain'],
  ['a renewal of the sandbox', renewing(pki.sign(renewal({ environment: 'Sandbox' }))), 'environment'],
  ['a renewal of another purchase', renewing(pki.sign(renewal({ originalTransactionId: '1' }))), 'inconsistent'],
  ['a renewal signed tomorrow', renewing(pki.sign(renewal({ signedDate: now.getTime() + day }))), 'future'],
  ['a renewal alone', data({ signedTransactionInfo: undefined }), 'incomplete'],
  [
    'a renewed subscription without a transaction',
    data({ signedTransactionInfo: undefined, signedRenewalInfo: undefined }),
    'incomplete',
  ],
  [
    'a failed renewal without the renewal',
    () => notification({ outer: { notificationType: 'DID_FAIL_TO_RENEW' }, data: { signedRenewalInfo: undefined } }),
    'incomplete',
  ],
];

const tables = {
  ...{ form, header: headers, certificates, chain: chains, signature: signatures, payload: payloads },
  'what is within': nested,
};

describe.each(Object.entries(tables))('by its %s is refused', (_, table) => {
  for (const [input, make, refused, other] of table)
    test(`${input}: ${refused}`, async () => {
      const jws = make();
      // Also when a good chain is remembered.
      for (let time = 0; time < 2; time++) {
        expect(await verifyNotification({ ...trust, ...other }, jws, now)).toMatchObject({ refused });
        expect(await verifyNotification(trust, good, now)).not.toHaveProperty('refused');
      }
    });
});
