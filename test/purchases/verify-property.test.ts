/**
 * Thousands of notifications, good and bad in any combination, against an oracle that knows of each flaw only which rule it
 * breaks and when that is asked: what is taken is what was signed, what is not names the first rule broken.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RuleName, rules, type Trust, verifyNotification } from '../../functions/purchases/verify.ts';
import {
  createPki,
  encode,
  issue,
  LEAF_MARK,
  type Link,
  signSegments,
  x5cOf,
} from '../../local/providers/appstore-pki.ts';
import { appAppleId, bundleId, notification, now, pki, renewal, transaction, trust } from './pki.ts';

const RUNS = 3000;

type Fields = Record<string, unknown>;
type Signer = { chain: Link[]; key?: Link['key'] };
/** A text on its way to be signed. */
type Draft = { fields: Fields; json?: string; header: Fields; signer: Signer; wrap: (jws: string) => string };
/** What is wrong with one text. `at`: the earlier it is asked for, the smaller. */
type Flaw = { rule: RuleName; at: number; spoil: (draft: Draft) => void };

const { leaf, intermediate, root } = pki.chain;
const day = 86_400_000;
const signedDate = now.getTime() - 600_000;
const another = (more: object = {}): Link =>
  issue({ name: 'Local App Store', issuer: intermediate, marks: [LEAF_MARK], ...more });
const own = createPki();
const links = {
  unmarked: another({ marks: [] }),
  ended: another({ until: new Date(signedDate - day) }),
  endedSince: another({ until: new Date(now.getTime() - 300_000) }),
  p384: another({ curve: 'P-384' }),
  revoked: another(),
};
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const revokedName = createHash('sha256').update(links.revoked.certificate).digest('hex');

const signers: Record<string, [RuleName | undefined, number, Signer]> = {
  good: [undefined, 0, { chain: [leaf, intermediate, root] }],
  long: ['chain-length', 12, { chain: [leaf, intermediate, root, root] }],
  p384: ['certificate', 13, { chain: [links.p384, intermediate, root] }],
  own: ['chain', 30, { chain: [own.chain.leaf, own.chain.intermediate, root] }],
  unmarked: ['chain', 30, { chain: [links.unmarked, intermediate, root] }],
  ended: ['dates', 31, { chain: [links.ended, intermediate, root] }],
  wrongKey: ['signature', 32, { chain: [leaf, intermediate, root], key: stranger }],
  revoked: ['revoked', 41, { chain: [links.revoked, intermediate, root] }],
  endedSince: ['not-valid-now', 42, { chain: [links.endedSince, intermediate, root] }],
};

const json = (spoil: (text: string) => string): Flaw => ({
  ...{ rule: 'json', at: 14 },
  spoil: (draft) => {
    draft.json = spoil(draft.json ?? JSON.stringify(draft.fields));
  },
});
const wrapped = (rule: RuleName, at: number, wrap: (jws: string) => string): Flaw => ({
  ...{ rule, at },
  spoil: (draft) => {
    const before = draft.wrap;
    draft.wrap = (jws) => wrap(before(jws));
  },
});
const field = (rule: RuleName, at: number, more: Fields): Flaw => ({
  ...{ rule, at },
  spoil: ({ fields }) => void Object.assign(fields, more),
});
const headed = (rule: RuleName, at: number, more: Fields): Flaw => ({
  ...{ rule, at },
  spoil: ({ header }) => void Object.assign(header, more),
});

/** What any of the three can have. */
const common: Flaw[] = [
  wrapped('segments', 1, (jws) => `${jws}.AAAA`),
  wrapped('base64url', 2, (jws) => `${jws}=`),
  wrapped('base64url', 2, (jws) => jws.replace('.', '\n.')),
  wrapped('base64url', 2, (jws) => ` ${jws}`),
  headed('header', 10, { crit: ['x'] }),
  headed('header', 10, { jku: 'https://example.com' }),
  headed('algorithm', 11, { alg: 'HS256' }),
  headed('algorithm', 11, { alg: 'none' }),
  json((text) => text.replace(/}$/, ',"twice":1,"twice":1}')),
  json((text) => text.replace('{', '{"__proto__":{},')),
  json((text) => `${text}]`),
  field('payload', 21, { signedDate: 8.64e15 + 1 }),
  field('payload', 21, { signedDate: '1' }),
  field('payload', 21, { signedDate: undefined }),
  field('future', 40, { signedDate: now.getTime() + day }),
];
const flaws = {
  outer: [
    ...common,
    field('environment', 20, { data: { bundleId, appAppleId, environment: 'Xcode' } }),
    field('payload', 21, { notificationUUID: undefined }),
    field('payload', 21, { notificationType: 5 }),
    field('app', 33, { data: { bundleId: 'example.other', appAppleId, environment: 'Production' } }),
    field('app', 33, { data: { bundleId, appAppleId: 5, environment: 'Production' } }),
  ],
  transaction: [
    ...common,
    field('payload', 21, { productId: 5 }),
    field('payload', 21, { purchaseDate: -5 }),
    field('payload', 21, { quantity: 0.5 }),
    field('app', 33, { bundleId: 'example.other' }),
    field('environment', 34, { environment: 'Sandbox' }),
    field('environment', 34, { environment: 'LocalTesting' }),
  ],
  renewal: [
    ...common,
    field('payload', 21, { originalTransactionId: '' }),
    field('environment', 34, { environment: 'Sandbox' }),
    field('inconsistent', 90, { originalTransactionId: '1' }),
  ],
};

type Choice = { signer: keyof typeof signers; flaws: Flaw[] };
const choice = (of: Flaw[], more: string[] = []): fc.Arbitrary<Choice> =>
  fc.record({
    signer: fc.oneof({ weight: 6, arbitrary: fc.constant('good') }, fc.constantFrom(...Object.keys(signers), ...more)),
    flaws: fc.oneof({ weight: 3, arbitrary: fc.constant<Flaw[]>([]) }, fc.subarray(of, { maxLength: 3 })),
  });

/** The first rule that a text breaks. Two flaws of one field: the later one stands. */
const firstOf = ({ signer, flaws: chosen }: Choice, isLive: boolean): [RuleName, number] | undefined => {
  const [rule, at] = signers[signer] ?? [];
  const all: [RuleName, number][] = chosen.map((each) => [each.rule, each.at]);
  // A certificate that has ended by now had ended by tomorrow.
  if (signer === 'endedSince' && all.some(([each]) => each === 'future')) all.push(['dates', 31]);
  if (rule && at !== undefined && (isLive || rule !== 'not-valid-now')) all.push([rule, at]);
  return all.sort((a, b) => a[1] - b[1])[0];
};

/** Flaws that write the same field would hide each other. */
const isClear = ({ flaws: chosen }: Choice): boolean => {
  const written = chosen.flatMap((flaw) => {
    const draft: Draft = { fields: {}, header: {}, signer: { chain: [] }, wrap: (jws) => jws };
    flaw.spoil(draft);
    return [...Object.keys(draft.fields), ...Object.keys(draft.header)];
  });
  return new Set(written).size === written.length;
};

const make = (fields: Fields, { signer, flaws: chosen }: Choice): string => {
  const [, , by] = signers[signer] ?? [];
  const draft: Draft = { fields, header: {}, signer: by ?? { chain: [] }, wrap: (jws) => jws };
  const last = (flaw: Flaw): number => (flaw.rule === 'json' ? 1 : 0);
  for (const flaw of [...chosen].sort((a, b) => last(a) - last(b))) flaw.spoil(draft);
  const { chain, key = chain[0]?.key ?? leaf.key } = draft.signer;
  const header = { alg: 'ES256', x5c: x5cOf(chain), ...draft.header };
  return draft.wrap(signSegments(encode(header), encode(draft.json ?? draft.fields), key));
};

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const instant = fc.integer({ min: 0, max: 8.64e15 });
const good = fc.record(
  {
    ...{
      productId: text,
      storefront: text,
      price: fc.integer(),
      quantity: fc.integer({ min: 1, max: 99 }),
      type: text,
    },
    ...{
      purchaseDate: instant,
      expiresDate: instant,
      isUpgraded: fc.boolean(),
      newField: fc.jsonValue({ maxDepth: 3 }),
    },
  },
  { requiredKeys: ['productId', 'type', 'purchaseDate'] },
);
/** `fc.jsonValue` may hold a key that we refuse, or too many. */
const isPlain = (value: unknown): boolean =>
  !JSON.stringify(value).includes('__proto__') && JSON.stringify(value).length < 500;

const revoked = (name: string) => name === revokedName;

describe('whatever is sent', () => {
  test('is taken as it was signed, or refused by the first rule that it breaks', { timeout: 240_000 }, async () => {
    const seen = new Map<string, number>();
    const arbitrary = fc.record({
      outer: choice(flaws.outer).filter(isClear),
      transaction: choice(flaws.transaction).filter(isClear),
      renewal: choice(flaws.renewal).filter(isClear),
      bought: good.filter(isPlain),
      type: fc.constantFrom('DID_RENEW', 'SUBSCRIBED', 'REFUND', 'SOMETHING_NEW'),
    });
    const property = fc.asyncProperty(
      arbitrary,
      async ({ outer, transaction: first, renewal: second, bought, type }) => {
        const wanted = { ...transaction({ signedDate }), ...bought };
        const data = {
          ...{ bundleId, appAppleId, environment: 'Production' },
          signedTransactionInfo: make({ ...wanted }, first),
          signedRenewalInfo: make({ ...renewal({ signedDate }) }, second),
        };
        const jws = make({ notificationType: type, notificationUUID: 'u1', signedDate, data }, outer);
        const rule = firstOf(outer, true)?.[0] ?? firstOf(first, false)?.[0] ?? firstOf(second, false)?.[0];
        seen.set(rule ?? 'taken', (seen.get(rule ?? 'taken') ?? 0) + 1);
        const result = await verifyNotification(trust, jws, now, { live: true, revoked });
        if (rule) {
          expect(result).toMatchObject({ refused: rule });
          return;
        }
        const { newField: _, ...kept } = wanted;
        expect(result).toMatchObject({ type, id: 'u1', transaction: kept, renewal: renewal({ signedDate }) });
        expect(result).not.toHaveProperty('transaction.newField');
      },
    );
    await fc.assert(property, { numRuns: RUNS });
    // The mix is worth something: every rule was met, and a good part was taken.
    expect(seen.get('taken')).toBeGreaterThan(RUNS / 20);
    const never = ['too-large', 'incomplete'];
    expect(Object.keys(rules).filter((rule) => !seen.has(rule))).toEqual(never);
  });

  const whole = notification();
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n\u0000é'];
  const edit = fc.record({
    at: fc.integer({ min: 0, max: whole.length - 1 }),
    cut: fc.constantFrom(0, 0, 1, 1, 1, 2, 5, 100, 20_000),
    put: fc.array(fc.constantFrom(...letters), { maxLength: 3 }).map((all) => all.join('')),
  });
  test('and is not to the letter what was signed is refused', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const changed = edits.reduce(
          (jws, { at, cut, put }) => `${jws.slice(0, at)}${put}${jws.slice(at + cut)}`,
          whole,
        );
        const result = await verifyNotification(trust, changed, now);
        const rule = 'refused' in result ? result.refused : 'taken';
        expect(changed === whole ? ['taken'] : Object.keys(rules)).toContain(rule);
      }),
      { numRuns: 3000 },
    ),
  );

  test('is answered, and never thrown at us', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        fc.json({ maxDepth: 6 }),
        fc.json({ maxDepth: 4 }),
        fc.boolean(),
        async (payload, header, isHeaded) => {
          const jws = isHeaded ? pki.sign(payload) : signSegments(encode(header), encode(payload), leaf.key);
          const result = await verifyNotification(trust, jws, now);
          expect(Object.keys(rules)).toContain('refused' in result ? result.refused : 'taken');
        },
      ),
      { numRuns: 2000 },
    ),
  );

  test('of another app, environment or root is refused, whatever a tenant trusts', { timeout: 60_000 }, () => {
    const trusts = fc.record({
      bundleId: fc.constantFrom(bundleId, 'example.other'),
      appAppleId: fc.constantFrom(appAppleId, 1),
      environments: fc.subarray<Trust['environments'][number]>(['Production', 'Sandbox']),
      roots: fc.constantFrom<Buffer[]>(pki.roots, own.roots, [...own.roots, ...pki.roots], []),
    });
    const property = fc.asyncProperty(
      trusts,
      fc.constantFrom('Production', 'Sandbox'),
      async (trusted, environment) => {
        const jws = notification({ data: { environment }, transaction: { environment }, renewal: { environment } });
        const isRoot = trusted.roots.some((each) => pki.roots.includes(each));
        const isApp = trusted.bundleId === bundleId && (environment === 'Sandbox' || trusted.appAppleId === appAppleId);
        const isEnvironment = trusted.environments.some((each) => each === environment);
        const refused = isEnvironment ? (isRoot ? (isApp ? undefined : 'app') : 'chain') : 'environment';
        const result = await verifyNotification(trusted, jws, now);
        expect('refused' in result ? result.refused : undefined).toBe(refused);
      },
    );
    return fc.assert(property, { numRuns: 300 });
  });
});
