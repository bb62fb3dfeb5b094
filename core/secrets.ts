/** Secrets by name, from Parameter Store; kept for five minutes, so that a rotated one is picked up. */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { assert } from './assert.ts';
import { withDeadline } from './aws.ts';
import { ports } from './deps.ts';

const KEEP_MS = 5 * 60_000;
const KEPT_LIMIT = 100;
let client: SSMClient | undefined;
const kept = new Map<string, { value: string; until: number }>();

/** @throws when there is no such parameter and none was kept */
export const readSecret = async (name: string): Promise<string> => {
  const before = kept.get(name);
  // The wall clock: the other may stand still while a process is frozen.
  const now = ports.now().getTime();
  if (before && before.until > now) return before.value;
  client ??= new SSMClient({ ...withDeadline(3000) });
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    assert(Parameter?.Value, `the parameter ${name} is empty`);
    if (kept.size >= KEPT_LIMIT) kept.clear();
    kept.set(name, { value: Parameter.Value, until: now + KEEP_MS });
    return Parameter.Value;
  } catch (error) {
    // The last good one serves while the store does not answer.
    if (before) return before.value;
    throw error;
  }
};
