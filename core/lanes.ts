/** Parallel across keys, serial within a key: how every batch is worked through. */

/**
 * Runs the items of each lane in order, and stops a lane at its first failure.
 * @param width how many lanes run at once
 * @returns the items that failed or were not tried because one before them failed, with the error
 */
export const inLanes = async <T>(
  items: readonly T[],
  laneOf: (item: T) => string,
  width: number,
  run: (item: T) => Promise<void>,
): Promise<{ item: T; error: unknown }[]> => {
  const lanes = [...Map.groupBy(items, laneOf).values()];
  const failures: { item: T; error: unknown }[] = [];
  const runLane = async (lane: T[]): Promise<void> => {
    for (const item of lane) {
      try {
        await run(item);
      } catch (error) {
        failures.push({ item, error });
        return;
      }
    }
  };
  const queue = lanes.values();
  const worker = async (): Promise<void> => {
    for (const lane of queue) await runLane(lane);
  };
  await Promise.all(Array.from({ length: Math.min(width, lanes.length) }, worker));
  return failures;
};
