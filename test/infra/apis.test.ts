/** The HTTP API and the WebSocket API: who may knock, and who answers. */
import { expect, test } from 'vitest';
import { dev, propertiesOf, text } from './template.ts';

const routesOf = (api: string) =>
  Object.values(propertiesOf('AWS::ApiGatewayV2::Route')).filter(({ ApiId }) => text(ApiId) === api);

/** The function that a route's integration calls. */
const functionBehind = (target: unknown): string => {
  const integration = dev.Resources[text(target).replace('integrations/', '')];
  return text(integration?.Properties?.IntegrationUri).replace(/^.*functions\/|\/invocations$/g, '');
};

const routes = routesOf('HttpApi');

test('the HTTP API has exactly these routes', () =>
  expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual([
    'DELETE /v1/blocks/{userId}',
    'DELETE /v1/conversations/{conversationId}/mute',
    'DELETE /v1/devices/{deviceId}',
    'DELETE /v1/matches/{userId}',
    'DELETE /v1/me',
    'DELETE /v1/reactions/{userId}',
    'GET /v1/blocks',
    'GET /v1/conversations',
    'GET /v1/conversations/{conversationId}/messages',
    'GET /v1/deck',
    'GET /v1/devices',
    'GET /v1/devices/{deviceId}',
    'GET /v1/entitlements',
    'GET /v1/likes',
    'GET /v1/matches',
    'GET /v1/me',
    'GET /v1/me/export',
    'GET /v1/me/export/{token}',
    'GET /v1/notifications/{eventId}',
    'GET /v1/preferences',
    'GET /v1/presence',
    'GET /v1/purchases',
    'GET /v1/purchases/account-token',
    'GET /v1/sync',
    'GET /v1/users/{userId}',
    'POST /v1/apple/account-events/{tenant}',
    'POST /v1/appstore/notifications/{tenant}',
    'POST /v1/conversations/{conversationId}/messages',
    'POST /v1/me/export',
    'POST /v1/notifications/{eventId}/received',
    'POST /v1/purchases',
    'POST /v1/purchases/restore',
    'POST /v1/reports',
    'POST /v1/socket-tickets',
    'PUT /v1/blocks/{userId}',
    'PUT /v1/conversations/{conversationId}/mute',
    'PUT /v1/conversations/{conversationId}/read',
    'PUT /v1/devices/{deviceId}',
    'PUT /v1/me',
    'PUT /v1/preferences',
    'PUT /v1/purchases/consumption-consent',
    'PUT /v1/reactions/{userId}',
  ]));

/** Those that machines call which have no token: what they send is verified by itself. */
const open = new Map([
  ['POST /v1/appstore/notifications/{tenant}', 'functions/purchases/notification.http.ts'],
  ['POST /v1/apple/account-events/{tenant}', 'functions/erasure/apple.http.ts'],
  // The link is a secret.
  ['GET /v1/me/export/{token}', 'functions/erasure/download.http.ts'],
]);
const isOpen = ({ RouteKey }: { RouteKey?: unknown }): boolean => open.has(text(RouteKey));

test('the HTTP API asks nobody for a token on these routes, each with a function of its own', () => {
  for (const { AuthorizationType, RouteKey, Target } of routes.filter(isOpen)) {
    expect(AuthorizationType).toBe('NONE');
    expect(dev.Resources[functionBehind(Target)]?.Metadata).toEqual({
      'chorus:entry': open.get(text(RouteKey)),
    });
  }
});

test('the HTTP API asks the token authorizer on each of the others', () => {
  const [id] = Object.entries(propertiesOf('AWS::ApiGatewayV2::Authorizer')).find(([, p]) => p.Name === 'Token') ?? [];
  expect(id).toBeDefined();
  for (const { AuthorizationType, AuthorizerId } of routes.filter((route) => !isOpen(route))) {
    expect([AuthorizationType, text(AuthorizerId)]).toEqual(['CUSTOM', id]);
  }
});

test('the HTTP API asks it every time, also without a token, and never a cache', () =>
  expect(Object.values(propertiesOf('AWS::ApiGatewayV2::Authorizer'))).toContainEqual(
    expect.objectContaining({
      Name: 'Token',
      ApiId: { Ref: 'HttpApi' },
      AuthorizerType: 'REQUEST',
      AuthorizerPayloadFormatVersion: '2.0',
      EnableSimpleResponses: true,
      IdentitySource: [],
      AuthorizerResultTtlInSeconds: 0,
    }),
  ));

test('the HTTP API sends each route to the function that has it in its metadata', () => {
  for (const { RouteKey, Target } of routes.filter((route) => !isOpen(route))) {
    const fn = functionBehind(Target);
    expect(dev.Resources[fn]?.Metadata?.['chorus:routes']).toHaveProperty([text(RouteKey)]);
  }
});

const socketRoutes = Object.fromEntries(routesOf('SocketApi').map((route) => [text(route.RouteKey), route]));

test('the WebSocket API has connect, disconnect and default, each with its function', () =>
  expect(Object.entries(socketRoutes).map(([key, { Target }]) => [key, functionBehind(Target)])).toEqual([
    ['$connect', 'SyncConnectWs'],
    ['$disconnect', 'SyncDisconnectWs'],
    ['$default', 'SyncFrameWs'],
  ]));

test('the WebSocket API lets nobody in without a ticket for a device', () => {
  const { AuthorizationType, AuthorizerId } = socketRoutes.$connect ?? {};
  expect(AuthorizationType).toBe('CUSTOM');
  expect(propertiesOf('AWS::ApiGatewayV2::Authorizer')[text(AuthorizerId)]).toMatchObject({
    ApiId: { Ref: 'SocketApi' },
    AuthorizerType: 'REQUEST',
    IdentitySource: ['route.request.querystring.ticket', 'route.request.querystring.device'],
  });
});

test('the WebSocket API answers a frame with what its function returns', () => {
  const responses = Object.values(propertiesOf('AWS::ApiGatewayV2::RouteResponse'));
  expect(socketRoutes.$default).toMatchObject({ RouteResponseSelectionExpression: '$default' });
  expect(responses).toHaveLength(1);
  expect(responses[0]).toMatchObject({ RouteResponseKey: '$default' });
  const answered = dev.Resources[text(responses[0]?.RouteId)]?.Properties;
  expect(answered).toMatchObject({ RouteKey: '$default' });
});

test.each(Object.entries(propertiesOf('AWS::ApiGatewayV2::Stage')))(
  'stage %s lets through a bounded flood',
  (_, stage) =>
    expect(stage).toMatchObject({
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 2000, ThrottlingBurstLimit: 1000 },
    }),
);
