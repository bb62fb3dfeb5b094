/** WebSocket authorizer on `$connect`: redeems the ticket; who is connected travels on with every event. */
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda';
import { invocation } from '../../core/edge.ts';
import { DeviceId } from '../../core/ids.ts';
import { readStanding } from '../../core/standing.ts';
import { redeemTicket } from './tickets.ts';

const policy = (effect: 'Allow' | 'Deny', principalId: string, resource: string): APIGatewayAuthorizerResult => ({
  principalId,
  policyDocument: {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: resource }],
  },
});

export const handler = (
  { queryStringParameters, methodArn }: Pick<APIGatewayRequestAuthorizerEvent, 'queryStringParameters' | 'methodArn'>,
  context: Context,
): Promise<APIGatewayAuthorizerResult> =>
  invocation(context, async (deps) => {
    const device = DeviceId.safeParse(queryStringParameters?.device);
    const session = device.success && (await redeemTicket(deps, queryStringParameters?.ticket ?? ''));
    if (!session) return policy('Deny', 'nobody', methodArn);
    // A ticket that was bought before a suspension opens nothing after it.
    const { is } = await readStanding(deps, session, { consistent: true });
    if (is !== 'good') return policy('Deny', 'nobody', methodArn);
    const { tenant, user, expires } = session;
    return { ...policy('Allow', user, methodArn), context: { tenant, user, device: device.data, expires } };
  });
