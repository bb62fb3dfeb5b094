/** Calls a function of ours by its ARN and waits for what it says. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { withDeadline } from './aws.ts';

/** The port. @throws Error when the function failed, or when it is not known whether it ran */
export type InvokeFunction = (functionArn: string, event: string) => Promise<unknown>;

/** Longer than any stream's function may run. */
const DEADLINE_MS = 70_000;
let client: LambdaClient | undefined;

export const invokeFunction: InvokeFunction = async (FunctionName, event) => {
  client ??= new LambdaClient({ maxAttempts: 1, ...withDeadline(DEADLINE_MS) });
  const output = await client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(event) }));
  if (output.FunctionError) throw new Error(`the function failed: ${output.FunctionError}`);
  return JSON.parse(output.Payload?.transformToString() || 'null');
};
