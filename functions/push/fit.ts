/**
 * Shortens texts to a number of bytes within JSON. Pure. Never within what a reader takes for one character: a family, a
 * flag, a letter with its marks. What a text opens of writing directions is closed, so that it can't turn what stands
 * behind it around.
 */
const GRAPHEMES = 200;
const ELLIPSIS = '…';
/** Of the ellipsis, and of every closing mark. */
const MARK_BYTES = 3;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Bytes of a text between its quotes in JSON. */
export const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

const CLOSE_ISOLATE = '\u2069';
const CLOSE_EMBEDDING = '\u202c';
const closes = new Map([
  ...['\u2066', '\u2067', '\u2068'].map((opener) => [opener, CLOSE_ISOLATE] as const),
  ...['\u202a', '\u202b', '\u202d', '\u202e'].map((opener) => [opener, CLOSE_EMBEDDING] as const),
]);

/** What is open after one more character: the marks that close it, the outermost first. */
const opened = (open: string[], character: string): string[] => {
  const closing = closes.get(character);
  if (closing) return [...open, closing];
  if (character === CLOSE_EMBEDDING && open.at(-1) === CLOSE_EMBEDDING) return open.slice(0, -1);
  // Closes the embeddings within it too.
  if (character === CLOSE_ISOLATE && open.includes(CLOSE_ISOLATE))
    return open.slice(0, open.lastIndexOf(CLOSE_ISOLATE));
  return open;
};

/** Not behind a space, and not behind what waits for a next character or belongs to one before. */
const mayEnd = (grapheme: string): boolean => !/^\s+$|\u200d$|^(\u200c|\p{Variation_Selector})+$/u.test(grapheme);

/** The text in at most so many bytes within JSON, and at most 200 characters as a reader counts them. */
export const fit = (text: string, bytes: number): string => {
  // Every unit takes at least a byte: what is behind can't fit, and needs no look.
  const near = text.slice(0, Math.max(0, bytes) + 1).toWellFormed();
  let [used, count, open] = [0, 0, [] as string[]];
  let cut = { end: 0, open };
  let isWhole = near === '';
  for (const { segment, index } of segmenter.segment(near)) {
    used += jsonBytes(segment);
    count += 1;
    open = opened(open, segment);
    if (used > bytes || count > GRAPHEMES) break;
    const fits = (marks: number) => used + marks * MARK_BYTES <= bytes && count + marks <= GRAPHEMES;
    const end = index + segment.length;
    isWhole = end === near.length && fits(open.length);
    if (mayEnd(segment) && fits(open.length + 1)) cut = { end, open };
  }
  if (isWhole) return near + open.toReversed().join('');
  // What is open is closed behind the ellipsis, so that it stands where its text ends.
  return bytes < MARK_BYTES ? '' : near.slice(0, cut.end) + ELLIPSIS + cut.open.toReversed().join('');
};

/** Texts that share so many bytes: the longest give first. */
export const fitAll = (texts: readonly string[], bytes: number): string[] => {
  const fitted = texts.map((text) => fit(text, bytes));
  const byCost = fitted.map((text, i) => ({ i, cost: jsonBytes(text) })).sort((a, b) => a.cost - b.cost);
  let left = bytes;
  for (const [rank, { i }] of byCost.entries()) {
    const share = Math.floor(left / (byCost.length - rank));
    const text = fit(texts[i] ?? '', share);
    fitted[i] = text;
    left -= jsonBytes(text);
  }
  return fitted;
};
