/** What every entry point shares: dependencies made for one invocation, and an account of its units at the end. */
import type { Context } from 'aws-lambda';
import type { Meter } from './ddb.ts';
import { type Deps, makeDeps, ports } from './deps.ts';
import { errorName } from './log.ts';
import { Problem } from './problem.ts';

/** Wraps an invocation. @throws whatever `run` throws, after logging it (a Problem is an answer, not an error) */
export const invocation = async <T>(
  context: Pick<Context, 'functionName'>,
  run: (deps: Deps) => Promise<T>,
  about: { requestId?: string } = {},
): Promise<T> => {
  const meter: Meter = { read: 0, write: 0 };
  const started = performance.now();
  const done = (outcome: string, error?: unknown) =>
    ports.log({
      level: error ? 'error' : 'info',
      msg: 'done',
      fn: context.functionName,
      ...about,
      outcome,
      ms: Math.round(performance.now() - started),
      units: meter,
      error: error ? errorName(error) : undefined,
    });
  try {
    const result = await run(makeDeps(meter));
    done('ok');
    return result;
  } catch (error) {
    if (error instanceof Problem) done(error.init.code);
    else done('failed', error);
    throw error;
  }
};
