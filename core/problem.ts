/** What a client is told when something can't be done: RFC 9457 problem details with a stable `code`. */
export type FieldError = { field: string; rule: string };
export type ProblemInit = {
  status: number;
  code: string;
  detail: string;
  errors?: FieldError[];
  retryAfter?: number;
  /** The moment at which it will be otherwise. */
  until?: string;
};

/** An answer to the client, not a fault: internals never stand in it. */
export class Problem extends Error {
  override name = 'Problem';
  readonly init: ProblemInit;
  constructor(init: ProblemInit) {
    super(`${init.code}: ${init.detail}`);
    this.init = init;
  }
}

const problem = (status: number, code: string, detail: string, more: Partial<ProblemInit> = {}): Problem =>
  new Problem({ status, code, detail, ...more });

/** The problems that every route shares. */
export const problems = {
  invalid: (errors: FieldError[]) =>
    problem(400, 'invalid', `${errors[0]?.field ?? 'The request'}: ${errors[0]?.rule ?? 'is not valid'}.`, { errors }),
  /** Also for what exists but is not the caller's to see: the same bytes. */
  notFound: () => problem(404, 'not-found', 'There is nothing here for you.'),
  commandReused: () =>
    problem(
      422,
      'idempotency-key-reused',
      'This Idempotency-Key named another request; choose a new one for a new request.',
      {
        errors: [{ field: 'headers.idempotency-key', rule: 'was used with another body' }],
      },
    ),
  stale: () =>
    problem(
      409,
      'stale',
      'The stream is more than 500 versions ahead of `after`. Sync, see whether your command is there, then send again.',
    ),
  afterUnknown: () =>
    problem(
      400,
      'after-unknown',
      'body.after: is beyond the newest version of this stream. Sync and use the version you then have.',
      {
        errors: [{ field: 'body.after', rule: 'must be a version that exists, or 0' }],
      },
    ),
  busy: () =>
    problem(503, 'busy', 'Nothing was written: too many writers at once. Send the same request again shortly.', {
      retryAfter: 1,
    }),
  outcomeUnknown: () =>
    problem(
      503,
      'outcome-unknown',
      'It is not known whether this was written. Send the same request with the same Idempotency-Key.',
      {
        retryAfter: 1,
      },
    ),
  tooManyRequests: (retryAfter: number) =>
    problem(429, 'too-many-requests', `That was too much at once. Send the same request again in ${retryAfter} s.`, {
      retryAfter,
    }),
  internal: () => problem(500, 'internal', 'Something went wrong on our side. Send the same request again.'),
};
