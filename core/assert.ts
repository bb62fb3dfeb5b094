/** For what can only be a programmer's error; a user's error is returned or is a Problem. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${why}`);
}
