/** By which rule something that claims to come from the App Store was not taken. Every refusal names exactly one. */

/** In the order in which they are asked: nothing that was not verified is looked at longer than it takes to refuse it. */
export const rules = {
  'too-large': 'it is larger than anything that the App Store sends',
  segments: 'a JWS has three parts',
  base64url: 'each part is base64url, without padding, and the only way to write its bytes',
  header: 'the header is one JSON object with `alg` and `x5c`, and no other fields than `kid` and `typ`',
  algorithm: 'the algorithm is ES256',
  'chain-length': 'there are exactly three certificates',
  certificate: 'each certificate is base64 of one whole certificate of sane size, and the first has a key on P-256',
  json: 'the payload is one JSON object in UTF-8, in which no key stands twice',
  environment: 'it is of an environment that the app takes; never of Xcode',
  chain: "the certificates are the App Store's own: marked as such, and issued under a root that is trusted",
  dates: 'the certificates were valid when it was signed',
  signature: 'the first certificate signed it, as it is',
  app: 'it is about this app',
  payload: 'the payload has the fields of its kind',
  future: 'it was not signed in the future',
  incomplete: 'it holds the transaction, and the renewal, that its type is about',
  inconsistent: 'what it holds is about the same purchase, and of the same environment',
  'not-valid-now': 'the certificates are valid now',
  revoked: 'the certificates were not revoked',
} as const;

export type RuleName = keyof typeof rules;
/** `genuine`: the store signed it for this app, and we do not understand it. That is nobody's fault but ours. */
export type Refusal = { refused: RuleName; detail: string; genuine?: true };

/** Thrown between the parts of the verifier; who asked is handed the refusal. */
export class Refused extends Error {
  override name = 'Refused';
  readonly refusal: Refusal;
  constructor(refused: RuleName, detail: string = rules[refused], { genuine }: Pick<Refusal, 'genuine'> = {}) {
    super(`${refused}: ${detail}`);
    this.refusal = { refused, detail, ...(genuine && { genuine }) };
  }
}

/** Of something whose every signature was found good. */
export const misunderstood = (refused: RuleName, detail?: string): Refused =>
  new Refused(refused, detail, { genuine: true });

export const isRefusal = (result: object): result is Refusal => 'refused' in result;
