/** The routes of the HTTP API and of the WebSocket API, each with its function and its authorizer. */
import { StartError } from '../errors.ts';
import type { HttpRoute, Model, SocketRoute } from '../model.ts';
import type { Reader } from './reader.ts';

const lambda = 'AWS::Lambda::Function';
type Protocol = 'HTTP' | 'WEBSOCKET';

const apiOf = (reader: Reader, protocol: Protocol): string => {
  const [found, ...more] = reader.all('AWS::ApiGatewayV2::Api').filter(([, api]) => api.ProtocolType === protocol);
  if (!found || more.length > 0)
    throw new StartError(`local/ serves one ${protocol} API, not ${found ? 'several' : 'none'}`);
  return found[0];
};

/** Authorizers of an API by their own id: the function behind each. */
const authorizersOf = (reader: Reader, api: string) =>
  new Map(
    reader
      .all('AWS::ApiGatewayV2::Authorizer')
      .filter(([id, authorizer]) => reader.target(id, authorizer.ApiId, 'AWS::ApiGatewayV2::Api') === api)
      .map(([id, { AuthorizerUri, IdentitySource, ...rest }]) => [
        id,
        { functionId: reader.target(id, AuthorizerUri, lambda), identitySources: IdentitySource, ...rest },
      ]),
  );

/** Routes of an API with the function behind each. */
const routesOf = (reader: Reader, api: string) => {
  const integrations = new Map(reader.all('AWS::ApiGatewayV2::Integration'));
  return reader
    .all('AWS::ApiGatewayV2::Route')
    .filter(([id, route]) => reader.target(id, route.ApiId, 'AWS::ApiGatewayV2::Api') === api)
    .map(([id, route]) => {
      const integration = reader.target(id, route.Target, 'AWS::ApiGatewayV2::Integration');
      const functionId = reader.target(integration, integrations.get(integration)?.IntegrationUri, lambda);
      const authorizer =
        route.AuthorizationType === 'CUSTOM'
          ? reader.target(id, route.AuthorizerId, 'AWS::ApiGatewayV2::Authorizer')
          : undefined;
      return { id, route, integration: integrations.get(integration), functionId, authorizer };
    });
};

export const readHttp = (reader: Reader): Model['http'] => {
  const api = apiOf(reader, 'HTTP');
  const authorizers = authorizersOf(reader, api);
  for (const [id, authorizer] of authorizers) {
    const { EnableSimpleResponses: simple, AuthorizerPayloadFormatVersion: format, identitySources } = authorizer;
    if (!simple || format !== '2.0' || identitySources.length > 0)
      throw new StartError(`${id}: local/ knows authorizers with payload 2.0, simple responses and no identity source`);
  }
  const routes = routesOf(reader, api).map(({ id, route, integration, functionId, authorizer }): HttpRoute => {
    if (integration?.PayloadFormatVersion !== '2.0')
      throw new StartError(`${id}: its integration must have payload 2.0`);
    const authorizerId = authorizer && authorizers.get(authorizer)?.functionId;
    return { routeKey: route.RouteKey, functionId, ...(authorizerId && { authorizerId }) };
  });
  return { routes };
};

export const readSockets = (reader: Reader): Model['sockets'] => {
  const api = apiOf(reader, 'WEBSOCKET');
  const answering = reader
    .all('AWS::ApiGatewayV2::RouteResponse')
    .map(([id, response]) => reader.target(id, response.RouteId, 'AWS::ApiGatewayV2::Route'));
  const found = routesOf(reader, api);
  const routes = found.map(({ id, route, functionId }): [string, SocketRoute] => [
    route.RouteKey,
    { functionId, returnsResponse: route.RouteResponseSelectionExpression !== undefined && answering.includes(id) },
  ]);
  const id = found.find(({ route }) => route.RouteKey === '$connect')?.authorizer;
  const authorizer = id && authorizersOf(reader, api).get(id);
  if (!authorizer) throw new StartError('the WebSocket API needs an authorizer on $connect');
  const { functionId: authorizerId, identitySources } = authorizer;
  return { routes: Object.fromEntries(routes), authorizerId, identitySources };
};
