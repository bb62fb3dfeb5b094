/**
 * Whether a WebSocket handshake is admitted: identity sources, the authorizer's IAM policy, the $connect route.
 * Each refusal is the status that API Gateway answers the upgrade request with.
 */
import { z } from 'zod';
import type { Invoke, Model } from '../model.ts';
import { TIMED_OUT, within } from './body.ts';
import { connectArn, connectEvent, type Handshake, identity, socketAuthorizerEvent } from './socket-event.ts';

export type Admission =
  | { status: 101; authorizer: Record<string, string | number> }
  | { status: number; message: string };

const INTEGRATION_MS = 29_000;

const oneOrMany = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const Policy = z.object({
  principalId: z.string(),
  policyDocument: z.object({
    Statement: z.array(z.object({ Action: oneOrMany, Effect: z.enum(['Allow', 'Deny']), Resource: oneOrMany })).min(1),
  }),
  /** API Gateway refuses arrays and objects here. */
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
type Policy = z.infer<typeof Policy>;

/** IAM's wildcards: * for any characters, ? for one. */
const covers = (pattern: string, value: string): boolean => {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(value);
};

const allows = ({ policyDocument }: Policy): boolean => {
  const applying = policyDocument.Statement.filter(
    ({ Action, Resource }) =>
      Action.some((action) => covers(action, 'execute-api:Invoke')) &&
      Resource.some((resource) => covers(resource, connectArn)),
  );
  return applying.length > 0 && applying.every(({ Effect }) => Effect === 'Allow');
};

const authorize = async (model: Model, invoke: Invoke, handshake: Handshake): Promise<Admission> => {
  const { authorizerId, identitySources } = model.sockets;
  if (identitySources.some((source) => identity(handshake, source) === undefined))
    return { status: 401, message: 'Unauthorized' };
  try {
    const started = Date.now();
    const policy = Policy.parse(await within(invoke(authorizerId, socketAuthorizerEvent(handshake)), INTEGRATION_MS));
    if (!allows(policy)) return { status: 403, message: 'Forbidden' };
    const context = Object.entries(policy.context ?? {}).map(([name, value]) => [name, String(value)]);
    const { principalId } = policy;
    const authorizer = { ...Object.fromEntries(context), principalId, integrationLatency: Date.now() - started };
    return { status: 101, authorizer };
  } catch (error) {
    return error instanceof Error && error.message === 'Unauthorized'
      ? { status: 401, message: 'Unauthorized' }
      : { status: 500, message: 'Internal server error' };
  }
};

const Connected = z.object({ statusCode: z.coerce.number().int().min(100).max(599) });

/** Asks the authorizer, then the $connect route. A function that fails or answers nonsense is a 502. */
export const admit = async (model: Model, invoke: Invoke, handshake: Handshake): Promise<Admission> => {
  const admission = await authorize(model, invoke, handshake);
  const route = model.sockets.routes.$connect;
  if (!('authorizer' in admission) || !route) return admission;
  const event = connectEvent({ ...handshake, authorizer: admission.authorizer });
  try {
    const result = await within(invoke(route.functionId, event), INTEGRATION_MS);
    if (result === TIMED_OUT) return { status: 504, message: 'Endpoint request timed out' };
    const { statusCode } = Connected.parse(result);
    return statusCode >= 200 && statusCode < 300 ? admission : { status: statusCode, message: 'Connection refused' };
  } catch {
    return { status: 502, message: 'Internal server error' };
  }
};
