/** HTTP API authorizer: says who asks and how they stand, or why not; the HTTP edge answers. */
import type { APIGatewayRequestAuthorizerEventV2, Context } from 'aws-lambda';
import { invocation } from '../../core/edge.ts';
import { allTenants } from '../../core/env.ts';
import { createStandingReader } from '../../core/standing.ts';
import { admit } from './admission.ts';
import { tokenVerifier } from './token.ts';

let verify: ReturnType<typeof tokenVerifier> | undefined;
const standingOf = createStandingReader();

export const handler = (event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>, context: Context) =>
  invocation(context, async (deps) => {
    verify ??= tokenVerifier(allTenants().values());
    const verdict = await verify(event.headers?.authorization);
    return { isAuthorized: true, context: await admit(deps, standingOf, verdict) };
  });
