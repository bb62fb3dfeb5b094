/** The WebSocket edge. Who is connected was verified at `$connect`; API Gateway repeats it with every event. */
import type { APIGatewayProxyStructuredResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import { z } from 'zod';
import type { Deps } from './deps.ts';
import { invocation } from './edge.ts';
import { encodeFrame, type ServerFrame } from './frames.ts';
import { DeviceId, TenantId, UserId } from './ids.ts';
import { Problem } from './problem.ts';

/** What the ticket's authorizer hands on (values travel as text). */
export const Session = z.object({
  tenant: TenantId,
  user: UserId,
  device: DeviceId,
  /** Unix seconds: the end of the access token that the ticket was bought with. */
  expires: z.coerce.number().int(),
});
export type Session = z.infer<typeof Session>;

export type SocketEvent = APIGatewayProxyWebsocketEventV2 & { requestContext: { authorizer?: unknown } };
export type SocketRequest = { session: Session; connectionId: string; body: string | undefined };

/** @returns the frame to answer with, or nothing; a Problem refuses the handshake, or is answered as a frame */
export const socket =
  (handle: (request: SocketRequest, deps: Deps) => Promise<ServerFrame | undefined>) =>
  async (event: SocketEvent, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    try {
      return await invocation(context, async (deps) => {
        const session = Session.parse(event.requestContext.authorizer);
        const body =
          event.body === undefined || !event.isBase64Encoded
            ? event.body
            : Buffer.from(event.body, 'base64').toString();
        const frame = await handle({ session, connectionId: event.requestContext.connectionId, body }, deps);
        return frame ? { statusCode: 200, body: encodeFrame(frame) } : { statusCode: 200 };
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, code, detail } = error.init;
      return { statusCode: status, body: encodeFrame({ type: 'problem', code, detail }) };
    }
  };
