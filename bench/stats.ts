/** Figures: percentiles, rounding, one table. */

/** Nearest rank. @param p 0 to 100 @throws Error for no samples */
export const percentile = (samples: readonly number[], p: number): number => {
  const sorted = [...samples].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
  if (found === undefined) throw new Error('no samples');
  return found;
};

export const mean = (samples: readonly number[]): number =>
  samples.reduce((sum, each) => sum + each, 0) / samples.length;

/** To three significant digits, whole numbers from 1,000 on. */
export const round = (value: number): number =>
  Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));

/** Lines with the columns aligned: the first to the left, numbers to the right. */
export const table = (
  header: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string => {
  const text = [header, ...rows].map((row) => row.map((cell) => (cell === undefined ? '' : String(cell))));
  const widths = header.map((_name, column) => Math.max(...text.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    widths
      .map((width, column) => (column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width)))
      .join('  ')
      .trimEnd();
  return text.map(line).join('\n');
};
