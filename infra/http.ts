/** The HTTP API. Every route goes through the authorizer, but those that machines outside call. */

import { HttpApi, HttpMethod, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Duration, type Stack } from 'aws-cdk-lib/core';
import type { MakeFunction } from './functions.ts';
import type { Right } from './rights.ts';
import { named } from './stores.ts';

/** Requests per second that the whole stage lets through; above it API Gateway answers 429 and no function runs. */
export const throttle = { rateLimit: 2000, burstLimit: 1000 };

export const makeHttpApi = (stack: Stack): HttpApi => {
  const api = named(new HttpApi(stack, 'HttpApi', { apiName: stack.stackName, createDefaultStage: false }), 'HttpApi');
  new HttpStage(api, 'Live', { httpApi: api, stageName: '$default', autoDeploy: true, throttle });
  return api;
};

/**
 * The function is asked for every request, also for one without a token, and never from a cache: it always lets the
 * request through with a verdict, and the edge answers a bad verdict with the same problem document as any other error.
 */
export const tokenAuthorizer = (fn: Lambda): HttpLambdaAuthorizer =>
  new HttpLambdaAuthorizer('Token', fn, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    identitySource: [],
    resultsCacheTtl: Duration.seconds(0),
  });

const methods = new Map<string, HttpMethod>(Object.values(HttpMethod).map((method) => [method, method]));

const routeOf = (route: string): { method: HttpMethod; path: string } => {
  const [verb = '', path = ''] = route.split(' ');
  const method = methods.get(verb);
  if (!method || !path.startsWith('/')) throw new Error(`${route}: must be a method and a path, as in GET /v1/things`);
  return { method, path };
};

/** A route without authorizer, served by a function of its own, which believes nobody. */
export const addPublicRoute = (api: HttpApi, route: string, fn: Lambda): void => {
  const { method, path } = routeOf(route);
  const integration = new HttpLambdaIntegration(fn.node.id, fn, { scopePermissionToRoute: false });
  api.addRoutes({ path, methods: [method], integration });
};

/** The routes of a context, `'PUT /v1/things/{id}': file`, all served by one function with these rights. */
export const makeContext =
  (makeFunction: MakeFunction, api: HttpApi, authorizer: HttpLambdaAuthorizer) =>
  (rights: Right[], routes: Record<string, string>): void => {
    const fn = makeFunction(routes, rights);
    const integration = new HttpLambdaIntegration(fn.node.id, fn, { scopePermissionToRoute: false });
    for (const route of Object.keys(routes)) {
      const { method, path } = routeOf(route);
      api.addRoutes({ path, methods: [method], integration, authorizer });
    }
  };
export type Context = ReturnType<typeof makeContext>;
