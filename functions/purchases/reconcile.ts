/**
 * What stores told nobody who listened is read out of their own history, span by span of time. A checkpoint for each app and
 * environment says up to when all is in the audit; it moves up when everything before it is there, and never because time is up. What
 * was appended before is found by its name and appended once.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isFault } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { inLanes } from '../../core/lanes.ts';
import { errorName } from '../../core/log.ts';
import { park } from '../../core/parked.ts';
import { checkpointKey } from '../../core/purchase-keys.ts';
import { StoreError } from './store-error.ts';

const HOUR_MS = 3_600_000;
/** A store may write its history late. */
const OVERLAP_MS = HOUR_MS;
/** One span. One whose pages can not all be had is halved. */
const SPAN_MS = 30 * 24 * HOUR_MS;
const SHORTEST_MS = 60_000;
/** Not asked to the very edge of what a store keeps: clocks differ. */
const EDGE_MS = HOUR_MS;
/** For one source in one run, which mostly ends by its time; the next goes on from there. */
const PAGES = 1000;
/** Payloads of different purchases at once. */
const WIDTH = 8;

type Span = { from: number; to: number };

/** One store's history of one app in one environment. */
export type Source = {
  tenant: TenantId;
  store: string;
  environment: string;
  /** How far back it can be asked. */
  reachMs: number;
  /** @throws StoreError */
  page: (span: Span, token?: string) => Promise<{ signed: string[]; next?: string }>;
  /** Verifies and appends. @returns whether it was new, or the rule by which it is refused */
  take: (signed: string) => Promise<{ fresh: boolean } | { refused: string }>;
};

export type Checkpoint = { until: number; open?: (Span & { token?: string | undefined }) | undefined };
export type Reconciled = {
  read: number;
  fresh: number;
  refused: number;
  parked: number;
  until: number;
  behind: boolean;
};

const Row = z.object({
  until: z.int().default(0),
  from: z.int().optional(),
  to: z.int().optional(),
  token: z.string().optional(),
});

const keyOf = ({ tenant, store, environment }: Source) => checkpointKey(tenant, store, environment);

export const readCheckpoint = async ({ ddb, env }: Pick<Deps, 'ddb' | 'env'>, source: Source): Promise<Checkpoint> => {
  const item = await ddb.get({ TableName: env.DEVICES_TABLE, Key: keyOf(source), ConsistentRead: true });
  const { until, from, to, token } = Row.parse(item ?? {});
  return { until, ...(from !== undefined && to !== undefined && from < to ? { open: { from, to, token } } : {}) };
};

/** A span that was begun too long ago is no longer all there. */
const resumable = ({ open }: Checkpoint, { reachMs }: Source, now: number): Checkpoint['open'] =>
  open && open.from >= now - reachMs + EDGE_MS ? open : undefined;

/** Where this run is within a span, for the next one. Two runs at once read twice, and lose nothing. */
const keepOpen = ({ ddb, env }: Deps, source: Source, { from, to }: Span, token: string) =>
  ddb.update({
    TableName: env.DEVICES_TABLE,
    Key: keyOf(source),
    UpdateExpression: 'SET #from = :from, #to = :to, #token = :token',
    ExpressionAttributeNames: { '#from': 'from', '#to': 'to', '#token': 'token' },
    ExpressionAttributeValues: { ':from': from, ':to': to, ':token': token },
  });

const moveUp = ({ ddb, env }: Deps, source: Source, until: number) =>
  ddb.update({
    TableName: env.DEVICES_TABLE,
    Key: keyOf(source),
    UpdateExpression: 'SET #until = :until REMOVE #from, #to, #token',
    ConditionExpression: 'attribute_not_exists(#until) OR #until < :until',
    ExpressionAttributeNames: { '#until': 'until', '#from': 'from', '#to': 'to', '#token': 'token' },
    ExpressionAttributeValues: { ':until': until },
  });

const spanFrom = (from: number, now: number): Span => ({ from, to: Math.min(now, from + SPAN_MS) });
const firstSpan = ({ reachMs }: Source, until: number, now: number): Span =>
  spanFrom(Math.max(until - OVERLAP_MS, now - reachMs + EDGE_MS), now);

type Tally = { read: number; fresh: number; refused: number; parked: number };

const nameOf = (signed: string): string => createHash('sha256').update(signed).digest('hex');

/** One payload. What is refused, or can never be kept, stops nobody else. */
const takeOne = async (deps: Deps, source: Source, signed: string, tally: Tally): Promise<void> => {
  const { tenant, store, environment } = source;
  tally.read++;
  try {
    const taken = await source.take(signed);
    if ('fresh' in taken) tally.fresh += taken.fresh ? 1 : 0;
    if ('fresh' in taken) return;
    tally.refused++;
    const about = { tenant, store, environment, rule: taken.refused, digest: nameOf(signed) };
    deps.log({ level: 'error', msg: 'purchase refused', from: 'reconcile', ...about });
  } catch (error) {
    if (!isFault(error)) throw error;
    tally.parked++;
    const hint = { tenant, store, environment };
    await park(deps, { from: 'purchases/reconcile', key: nameOf(signed), reason: errorName(error), hint });
  }
};

const takePage = async (deps: Deps, source: Source, signed: string[], tally: Tally): Promise<void> => {
  const failures = await inLanes([...new Set(signed)], nameOf, WIDTH, (each) => takeOne(deps, source, each, tally));
  const [failure] = failures;
  if (failure) throw failure.error;
};

/**
 * Of a page that can not be had, as when the store knows its token no more: the span is read anew, and half as long, so that it
 * ends within a run. What can not be had in the shortest span is somebody's to mend.
 */
const anew = ({ from, to }: Span, error: unknown): Span => {
  if (to - from <= SHORTEST_MS) throw error;
  return { from, to: from + Math.max(SHORTEST_MS, Math.ceil((to - from) / 2)) };
};

/**
 * Reads on from the checkpoint until now, until its pages for this run are used up, or until `deadline` (Unix ms).
 * @throws StoreError, or what the database says; the checkpoint stays before what was not done
 */
export const reconcile = async (deps: Deps, source: Source, deadline: number): Promise<Reconciled> => {
  const tally: Tally = { read: 0, fresh: 0, refused: 0, parked: 0 };
  const started = deps.now().getTime();
  const before = await readCheckpoint(deps, source);
  let { until } = before;
  const open = resumable(before, source, started);
  let span: Span = open ?? firstSpan(source, until, started);
  let token = open?.token;
  for (let pages = 0; pages < PAGES && deps.now().getTime() < deadline && span.from < span.to; pages++) {
    const page = await source.page(span, token).catch((error: unknown) => {
      if (token === undefined || !(error instanceof StoreError) || error.trouble.kind !== 'bug') throw error;
      span = anew(span, error);
      token = undefined;
    });
    if (!page) continue;
    await takePage(deps, source, page.signed, tally);
    token = page.next;
    if (token !== undefined) await keepOpen(deps, source, span, token);
    if (token !== undefined) continue;
    // A half may end before where it was known up to: then it is gone on from there.
    if (span.to > until) await moveUp(deps, source, span.to);
    until = Math.max(until, span.to);
    if (span.to >= started) break;
    span = spanFrom(span.to, started);
  }
  return { ...tally, until, behind: until < started };
};

/** What was signed before a store's history begins, and after our checkpoint, can be had from nobody. */
export const isLost = ({ reachMs }: Source, { until }: Checkpoint, now: number): boolean =>
  until > 0 && until < now - reachMs + EDGE_MS;
