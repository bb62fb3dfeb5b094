/** HTTP API authorizer: says who asks, or why not; the HTTP edge answers. */
import type { APIGatewayRequestAuthorizerEventV2, Context } from 'aws-lambda';
import { invocation } from '../../core/edge.ts';
import { allTenants } from '../../core/env.ts';
import { tokenVerifier } from './token.ts';

let verify: ReturnType<typeof tokenVerifier> | undefined;

export const handler = (event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>, context: Context) =>
  invocation(context, async () => {
    verify ??= tokenVerifier(allTenants().values());
    return { isAuthorized: true, context: await verify(event.headers?.authorization) };
  });
