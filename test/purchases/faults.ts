/** Standing in the door to the database of the running system: what fails there, before it is done or after. */
import type { Command, Send } from '../../core/ddb.ts';
import { ports } from '../../core/deps.ts';

/** What becomes of a call: it is refused, it is done and its answer lost, or undefined: nothing special. */
export type Fate = 'throttled' | 'lost before' | 'lost after' | undefined;

const named = (name: string): Error => Object.assign(new Error('injected'), { name });

/** While `act` runs. @param decide asked for each call, by the name of its command and its input */
export const withFaults = async <T>(
  decide: (name: string, input: string) => Fate,
  act: () => Promise<T>,
): Promise<T> => {
  const { send } = ports;
  const faulty: Send = async (command: Command) => {
    const fate = decide(command.constructor.name, JSON.stringify(command.input));
    if (fate === 'throttled') throw named('ThrottlingException');
    if (fate === 'lost before') throw named('TimeoutError');
    const output = await send(command);
    if (fate === 'lost after') throw named('TimeoutError');
    return output;
  };
  ports.send = faulty;
  try {
    return await act();
  } finally {
    ports.send = send;
  }
};
