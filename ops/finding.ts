/** Findings: what is wrong, and the second look that tells it from what only moves while writes go on. */
import type { Deps } from '../core/deps.ts';
import { type Stream, streamName } from '../core/keys.ts';
import { forEach } from './walk.ts';

export type FindingKind =
  /** Of streams: nothing can mend these. */
  | 'gap'
  | 'undecodable'
  | 'duplicate'
  | 'state'
  | 'number'
  /** The same command would be done a second time when its cause is told again. */
  | 'commit without receipt'
  /** The command can never be done, or is taken for done by another's commit. */
  | 'receipt without commit'
  /** Of the inbox. */
  | 'missing pointer'
  | 'pointer behind'
  | 'pointer beyond head'
  | 'orphan'
  | 'count'
  | 'register beyond'
  | 'read behind'
  | 'seen behind'
  /** Of what follows from events. */
  | 'reaction missing'
  | 'cause missing'
  | 'row missing'
  | 'row wrong'
  | 'row without cause'
  /** Of what follows from the audit. */
  | 'purchase behind'
  /** Of push addresses. */
  | 'address without device'
  | 'device without address'
  /** Of the audit: nothing can mend these. */
  | 'entry'
  | 'entry missing'
  | 'not anchored'
  | 'digest';

export type Finding = { kind: FindingKind; tenant: string; about: string; detail: string };
/** `at` is what moves while all is well: the same finding at another value is alive. */
export type Suspicion = Finding & { at?: string | number };
export type Look = () => Promise<Suspicion[]>;

export const suspicion = (
  kind: FindingKind,
  stream: Stream,
  { about, detail, at }: { about?: string; detail: string; at?: string | number },
): Suspicion => ({
  kind,
  tenant: stream.tenant,
  about: about === undefined ? streamName(stream) : `${streamName(stream)} ${about}`,
  detail,
  ...(at === undefined ? {} : { at }),
});

/** About six seconds in all: longer than the stream takes for what a handler left to it. */
const WAITS_MS = [100, 200, 400, 800, 800, 800, 800, 800, 800, 800];
/** So many are looked at again together. */
const TOGETHER = 200;
/** Who finds more than this repairs first. */
export const FINDINGS_LIMIT = 10_000;

const keyOf = ({ kind, tenant, about, at }: Suspicion): string => JSON.stringify([kind, tenant, about, at]);

type Waiting = { suspicions: Suspicion[]; look: Look };

/** Collects suspicions; those that are there in every look are findings. */
export const createFindings = (deps: Pick<Deps, 'sleep'>) => {
  const found: Finding[] = [];
  let waiting: Waiting[] = [];

  const lookAgain = async (all: Waiting[]): Promise<Waiting[]> => {
    const failures = await forEach(all, async (each) => {
      const before = new Set(each.suspicions.map(keyOf));
      each.suspicions = (await each.look()).filter((suspicion) => before.has(keyOf(suspicion)));
    });
    if (failures[0]) throw failures[0].error;
    return all.filter(({ suspicions }) => suspicions.length > 0);
  };
  const settle = async (): Promise<void> => {
    let left = waiting;
    waiting = [];
    for (const ms of WAITS_MS) {
      if (left.length === 0) return;
      await deps.sleep(ms);
      left = await lookAgain(left);
    }
    for (const { at: _at, ...finding } of left.flatMap(({ suspicions }) => suspicions)) found.push(finding);
  };
  return {
    /** @param look finds it again, if it is still there, by consistent reads */
    suspect: (suspicions: Suspicion[], look: Look): void => {
      if (suspicions.length > 0) waiting.push({ suspicions, look });
    },
    /** Between the steps of a walk. @returns whether there is room for more */
    pause: async (): Promise<boolean> => {
      if (waiting.length >= TOGETHER) await settle();
      return found.length < FINDINGS_LIMIT;
    },
    end: async (): Promise<Finding[]> => {
      await settle();
      return found.slice(0, FINDINGS_LIMIT);
    },
  };
};
export type Findings = ReturnType<typeof createFindings>;
