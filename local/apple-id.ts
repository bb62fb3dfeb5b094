/** What Apple would say of an account, signed by the development issuer, which stands for Apple on a laptop. */
import { type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { Tenant } from '../core/tenants.ts';
import type { DevAnswer } from './gateway/gateway.ts';

const Asked = z.strictObject({
  tenant: z.string().default('demo'),
  user: z.string().min(1),
  type: z.string().min(1),
  /** The same again for Apple's retry. */
  id: z.string().default(() => randomUUID()),
});

/** `POST /dev/apple/account-event`: → `{payload}`, to be sent to `/v1/apple/account-events/{tenant}`. */
export const signAccountEvent = async (
  body: string,
  tenants: Tenant[],
  { privateKey, kid }: { privateKey: KeyObject; kid: string },
): Promise<DevAnswer> => {
  const { tenant, user, type, id } = Asked.parse(JSON.parse(body));
  const apple = tenants.find((each) => each.tenant === tenant)?.apple;
  const [client] = apple?.clientIds ?? [];
  if (!apple || !client)
    return { status: 400, body: { status: 400, detail: `${tenant} has no Sign in with Apple in its file` } };
  const events = JSON.stringify({ type, sub: user, event_time: Date.now() });
  const payload = await new SignJWT({ events })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(apple.issuer)
    .setAudience(client)
    .setIssuedAt()
    .setJti(id)
    .sign(privateKey);
  return { status: 200, body: { payload } };
};
