/** Searching the functions' logs. Locally the gateway answers the same request over the lines that were kept. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { withDeadline } from '../core/aws.ts';
import { inLanes } from '../core/lanes.ts';
import { OpsError } from './command.ts';

type Entry = Record<string, unknown>;
type Filter = Record<string, string | number>;
type Search = { filter: Filter; since?: Date | undefined; until?: Date | undefined };

/** As long as the log groups keep them. */
const KEPT_DAYS = 30;
const DAY_MS = 24 * 3600_000;
const ATTEMPTS = 8;
const PAGES = 5000;
const LIMIT = 20_000;
/** AWS allows few of these requests a second. */
const WIDTH = 4;

const quoted = (term: string): string => `"${term.replaceAll(/["\\]/g, '\\$&')}"`;

/**
 * Terms and not a JSON pattern: Lambda puts time, request and level before each line, so that AWS sees no JSON in it.
 * A term is any part of a line, so `"v":5` finds 50 too; what is found is compared once more.
 */
export const patternOf = (filter: Filter): string =>
  Object.entries(filter)
    .map(([name, value]) => quoted(`${JSON.stringify(name)}:${JSON.stringify(value)}`))
    .join(' ');

/** The JSON object that a line ends with, if it does. */
const parse = (line: string): Entry[] => {
  try {
    const entry: unknown = JSON.parse(line.slice(line.indexOf('{')));
    return typeof entry === 'object' && entry !== null ? [{ ...entry }] : [];
  } catch {
    return [];
  }
};

const matches = (entry: Entry, filter: Filter): boolean =>
  Object.entries(filter).every(([name, value]) => entry[name] === value);

async function* pages(client: CloudWatchLogsClient, logGroupName: string, search: Search): AsyncGenerator<Entry[]> {
  const { filter, since, until } = search;
  const request = {
    logGroupName,
    filterPattern: patternOf(filter),
    startTime: since?.getTime() ?? Date.now() - KEPT_DAYS * DAY_MS,
    ...(until ? { endTime: until.getTime() } : {}),
  };
  let nextToken: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const found = await client.send(new FilterLogEventsCommand({ ...request, ...(nextToken ? { nextToken } : {}) }));
    const entries = (found.events ?? []).flatMap(({ message = '' }) => parse(message));
    yield entries.filter((entry) => matches(entry, filter));
    nextToken = found.nextToken;
    if (!nextToken) return;
  }
}

/** @throws OpsError when there are more than anybody reads */
export async function* searchLogs(logGroups: string[], search: Search): AsyncGenerator<Entry> {
  const client = new CloudWatchLogsClient({ maxAttempts: ATTEMPTS, ...withDeadline(30_000) });
  const found: Entry[] = [];
  try {
    const failures = await inLanes(
      logGroups,
      (group) => group,
      WIDTH,
      async (group) => {
        for await (const page of pages(client, group, search)) {
          found.push(...page);
          if (found.length > LIMIT) throw new OpsError(`more than ${LIMIT} log entries match: ask for a shorter time`);
        }
      },
    );
    if (failures[0]) throw failures[0].error;
  } finally {
    client.destroy();
  }
  yield* found.sort((a, b) => (String(a.t) < String(b.t) ? -1 : 1));
}
