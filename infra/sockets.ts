/** The WebSocket API: $connect with a ticket, $disconnect, and $default for every frame. */

import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import type { Stack } from 'aws-cdk-lib/core';
import { throttle } from './http.ts';
import type { Right } from './rights.ts';
import { named } from './stores.ts';

export type Sockets = { api: WebSocketApi; stage: WebSocketStage };

export const makeSockets = (stack: Stack): Sockets => {
  const api = named(
    new WebSocketApi(stack, 'SocketApi', {
      apiName: `${stack.stackName}-sockets`,
      routeSelectionExpression: '$request.body.type',
    }),
    'SocketApi',
  );
  const stage = new WebSocketStage(api, 'Live', { webSocketApi: api, stageName: 'v1', autoDeploy: true, throttle });
  return { api, stage };
};

/** Posting to a connection, asking for it, closing it. */
export const mayUseConnections = ({ api, stage }: Sockets): Right => ({
  actions: ['execute-api:ManageConnections'],
  resources: [
    api.stack.formatArn({
      service: 'execute-api',
      resource: api.apiId,
      resourceName: `${stage.stageName}/*/@connections/*`,
    }),
  ],
});

type Handlers = { authorizer: Lambda; connect: Lambda; disconnect: Lambda; frame: Lambda };

export const routeSockets = ({ api }: Sockets, { authorizer, connect, disconnect, frame }: Handlers): void => {
  const to = (fn: Lambda) => new WebSocketLambdaIntegration(fn.node.id, fn);
  api.addRoute('$connect', {
    integration: to(connect),
    // API Gateway refuses a connection that lacks one of these without asking the function.
    authorizer: new WebSocketLambdaAuthorizer('Ticket', authorizer, {
      identitySource: ['route.request.querystring.ticket', 'route.request.querystring.device'],
    }),
  });
  api.addRoute('$disconnect', { integration: to(disconnect) });
  api.addRoute('$default', { integration: to(frame), returnResponse: true });
};
