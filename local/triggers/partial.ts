/** What a function said about a batch, by Lambda's rules for partial batch responses. */

/** 'all' failed, or these did; none when everything is done. */
export type Failed = 'all' | readonly string[];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Nothing and an empty list mean success; anything malformed, and an item that was not in the batch, means that all failed.
 * @param ids the identifiers of the batch
 */
export const failedItems = (response: unknown, ids: readonly string[]): Failed => {
  if (response === undefined || response === null || response === '') return [];
  if (!isRecord(response)) return 'all';
  const { batchItemFailures: failures } = response;
  if (failures === undefined || failures === null)
    return Object.keys(response).length === 0 || failures === null ? [] : 'all';
  if (!Array.isArray(failures)) return 'all';
  const failed = failures.map((failure: unknown) => (isRecord(failure) ? failure.itemIdentifier : undefined));
  const known = failed.filter((id): id is string => typeof id === 'string' && ids.includes(id));
  return known.length === failed.length ? known : 'all';
};
