/** A small memory of what was worked out: bounded; what was not asked for longest goes first. */
export type Lru<T> = { get: (key: string) => T | undefined; set: (key: string, value: T) => T; size: () => number };

export const createLru = <T>(limit: number): Lru<T> => {
  const kept = new Map<string, T>();
  const set = (key: string, value: T): T => {
    kept.delete(key);
    kept.set(key, value);
    for (const oldest of kept.keys()) {
      if (kept.size <= limit) break;
      kept.delete(oldest);
    }
    return value;
  };
  const get = (key: string): T | undefined => {
    const value = kept.get(key);
    return value === undefined ? undefined : set(key, value);
  };
  memories.add(kept);
  return { get, set, size: () => kept.size };
};

const memories = new Set<Map<string, unknown>>();

/** As in a new process. */
export const forgetAll = (): void => {
  for (const kept of memories) kept.clear();
};
