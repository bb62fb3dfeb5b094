/** What a device asks the server, through the real handlers, as API Gateway hands it over. */
import type { UserId } from '../../../core/ids.ts';
import { handler as frame } from '../../../functions/sync/frame.ws.ts';
import { handler as sync } from '../../../functions/sync/sync.http.ts';
import { tenant } from './acts.ts';
import { Page, Sums } from './device.ts';

const CONTEXT = { functionName: 'law' };
const expires = '4000000000';

/** GET /v1/sync */
export const askPage = async (user: UserId, cursor: string | undefined, limit: number): Promise<Page> => {
  const lambda: Record<string, unknown> = { tenant, user, expires };
  const queryStringParameters: Record<string, string> = { limit: String(limit) };
  if (cursor !== undefined) queryStringParameters.cursor = cursor;
  const requestContext = { requestId: 'law', authorizer: { lambda } };
  const event = { headers: {}, isBase64Encoded: false, queryStringParameters, requestContext };
  const answer = await sync(event as Parameters<typeof sync>[0], CONTEXT as Parameters<typeof sync>[1]);
  if (answer.statusCode !== 200) throw new Error(`sync: ${answer.statusCode} ${answer.body}`);
  return Page.parse(JSON.parse(answer.body ?? ''));
};

const say = async (user: UserId, connectionId: string, body: object): Promise<unknown> => {
  const requestContext = { authorizer: { tenant, user, device: 'phone', expires }, connectionId };
  const event = { body: JSON.stringify(body), isBase64Encoded: false, requestContext };
  const answer = await frame(event as Parameters<typeof frame>[0], CONTEXT as Parameters<typeof frame>[1]);
  return answer.body && JSON.parse(answer.body);
};

/** `ping`: what the server knows of everything that is this person's. */
export const askSums = async (user: UserId, connectionId: string): Promise<Sums> =>
  Sums.parse(await say(user, connectionId, { type: 'ping' }));

/** `ack`: refused only with a frame that says why. */
export const acknowledge = async (user: UserId, connectionId: string, stream: string, v: number): Promise<void> => {
  const problem = await say(user, connectionId, { type: 'ack', stream, v });
  if (problem) throw new Error(`${user} may not acknowledge ${stream} ${v}: ${JSON.stringify(problem)}`);
};
