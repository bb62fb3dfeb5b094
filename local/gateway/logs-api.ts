/** CloudWatch Logs' FilterLogEvents over the lines that this system keeps, for the operators' tools. */
import { z } from 'zod';
import { AWS_JSON, type Call, fault, parseJsonBody, type Reply } from './reply.ts';

/** What was logged, oldest first. */
export type ReadLines = () => AsyncIterable<string>;

const PAGE = 1000;

const Request = z.strictObject({
  logGroupName: z.string(),
  filterPattern: z.string().default(''),
  startTime: z.int().default(0),
  endTime: z.int().default(Number.MAX_SAFE_INTEGER),
  /** How many were handed out. */
  nextToken: z.coerce.number().int().optional(),
});
const Line = z.looseObject({ t: z.iso.datetime(), level: z.string() });

/** The terms of a pattern of quoted terms, all of which a line must hold; undefined for any other pattern. */
const termsOf = (pattern: string): string[] | undefined => {
  const terms = [...pattern.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, term = '']) => term);
  const rest = pattern.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').trim();
  return rest === '' ? terms.map((term) => term.replaceAll(/\\(.)/g, '$1')) : undefined;
};

const parseLine = (line: string) => {
  try {
    return Line.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/** Lambda writes time, request and level before each line. */
const asLambdaWrites = (line: string, { t, level }: z.infer<typeof Line>): string =>
  `${t}\t00000000-0000-4000-8000-000000000000\t${level.toUpperCase()}\t${line}\n`;

export const filterLogEvents = async (readLines: ReadLines, { body }: Call): Promise<Reply> => {
  const request = Request.safeParse(parseJsonBody(body)?.json);
  if (!request.success) return fault(400, 'InvalidParameterException', z.prettifyError(request.error));
  const { filterPattern, startTime, endTime, nextToken: from = 0 } = request.data;
  const terms = termsOf(filterPattern);
  if (!terms) return fault(400, 'InvalidParameterException', 'local/ knows patterns of quoted terms only');
  const events: { timestamp: number; message: string }[] = [];
  let found = 0;
  for await (const line of readLines()) {
    if (!terms.every((term) => line.includes(term))) continue;
    const entry = parseLine(line);
    const timestamp = entry ? Date.parse(entry.t) : Number.NaN;
    if (!entry || timestamp < startTime || timestamp > endTime || found++ < from) continue;
    if (events.length === PAGE) {
      const nextToken = String(from + PAGE);
      return { status: 200, headers: AWS_JSON, body: { events, searchedLogStreams: [], nextToken } };
    }
    events.push({ timestamp, message: asLambdaWrites(line, entry) });
  }
  return { status: 200, headers: AWS_JSON, body: { events, searchedLogStreams: [] } };
};
