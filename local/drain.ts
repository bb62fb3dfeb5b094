/** Waits until nothing happens any more. No fixed sleeps: everything that can be busy is asked, at one moment. */
import type { Activity } from './activity.ts';
import type { Consumers } from './triggers/consumers.ts';
import type { Streams } from './triggers/streams.ts';

type Parts = {
  activity: Activity;
  streams: Pick<Streams, 'isQuiet' | 'look' | 'busy'>;
  consumers: Pick<Consumers, 'isQuiet' | 'busy'>;
  outside: { idle: () => boolean };
};

const maxMilliseconds = 30_000;
/** Most ends announce themselves; a message that becomes visible again does not. */
const lookMilliseconds = 25;

export const createDrain = (parts: Parts, limitMilliseconds = maxMilliseconds): (() => Promise<void>) => {
  const { activity, streams, consumers, outside } = parts;
  const isQuiet = (): boolean =>
    activity.inFlight() === 0 && outside.idle() && consumers.isQuiet() && streams.isQuiet();
  const busy = (): string =>
    [
      ...(activity.inFlight() > 0 ? [`${activity.inFlight()} invocations`] : []),
      ...(outside.idle() ? [] : ['requests']),
      ...streams.busy(),
      ...consumers.busy(),
    ].join(', ');

  return async () => {
    // What the caller wrote itself was no invocation: every stream must be looked at after this moment.
    activity.bump();
    for (const deadline = Date.now() + limitMilliseconds; !isQuiet(); ) {
      if (Date.now() > deadline) throw new Error(`not drained after ${limitMilliseconds / 1000} s, busy: ${busy()}`);
      const change = activity.change(lookMilliseconds);
      if (activity.inFlight() === 0) streams.look();
      await change;
    }
  };
};
