/** Outgoing frames, through API Gateway's @connections API. */
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { withDeadline } from './aws.ts';
import { env } from './env.ts';

export type Sockets = {
  /** 'gone' when the connection no longer exists. @throws when it is not known whether the frame went out */
  post: (connectionId: string, frame: string) => Promise<'sent' | 'gone'>;
  close: (connectionId: string) => Promise<void>;
};

let client: ApiGatewayManagementApiClient | undefined;
const connections = (): ApiGatewayManagementApiClient => {
  client ??= new ApiGatewayManagementApiClient({
    endpoint: env().SOCKETS_ENDPOINT,
    maxAttempts: 1,
    ...withDeadline(2000),
  });
  return client;
};

const isGone = (error: unknown): boolean => error instanceof Error && error.name === 'GoneException';

export const sockets: Sockets = {
  post: async (connectionId, frame) => {
    try {
      await connections().send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame }));
      return 'sent';
    } catch (error) {
      if (isGone(error)) return 'gone';
      throw error;
    }
  },
  close: async (connectionId) => {
    try {
      await connections().send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  },
};
