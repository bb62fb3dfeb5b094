/** For what can only be a programmer's error; a user's error is returned or is a Problem. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${why}`);
}

/** For the end of an exhaustive switch over something that came from outside the type system. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
};
