/** What a store that we asked said instead of an answer, sorted by what we can do about it. */

export type StoreTrouble =
  /** Nobody answered, too much was asked, or the store has trouble of its own. `afterMs`: how long it asks us to wait. */
  | { kind: 'later'; afterMs?: number }
  /** Our key, or what it may do, is wrong. */
  | { kind: 'denied' }
  /** The store knows no such thing. */
  | { kind: 'notFound' }
  /** We asked wrongly, or do not understand the answer. */
  | { kind: 'bug' };

export class StoreError extends Error {
  override name = 'StoreError';
  readonly trouble: StoreTrouble;
  /** The store's own number of the error, where it gave one. */
  readonly code: number | undefined;
  constructor(trouble: StoreTrouble, message: string, code?: number) {
    super(message);
    this.trouble = trouble;
    this.code = code;
  }
}
