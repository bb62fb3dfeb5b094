/** Socket tickets: a secret for one connection within 60 seconds, so that access tokens stay out of URLs. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type Actor, TenantId, UserId } from '../../core/ids.ts';
import { ticketKey } from '../../core/keys.ts';

export const TICKET_SECONDS = 60;
const Ticket = z.object({ user: UserId, tokenExpires: z.int() });

type Tickets = Pick<Deps, 'ddb' | 'env' | 'now' | 'random'>;
const hash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** @param expires Unix seconds: the end of the access token that buys the ticket, and so of the connection */
export const issueTicket = async (
  { ddb, env, now, random }: Tickets,
  { tenant, user }: Actor,
  expires: number,
): Promise<{ ticket: string; expiresAt: string }> => {
  const secret = `${random.id()}${random.id()}`;
  const until = Math.floor(now().getTime() / 1000) + TICKET_SECONDS;
  await ddb.put({
    TableName: env.DEVICES_TABLE,
    Item: { ...ticketKey(tenant, hash(secret)), user, until, tokenExpires: expires, expires: until },
  });
  return { ticket: `${tenant}.${secret}`, expiresAt: new Date(until * 1000).toISOString() };
};

/** Uses up a ticket: who bought it, or undefined if it is none, is used or is too old. */
export const redeemTicket = async (
  { ddb, env, now, random }: Tickets,
  ticket: string,
): Promise<(Actor & { expires: number }) | undefined> => {
  const dot = ticket.indexOf('.');
  const tenant = TenantId.safeParse(ticket.slice(0, dot));
  if (!tenant.success || ticket.length > 200) return undefined;
  const seconds = Math.floor(now().getTime() / 1000);
  const use = random.id();
  const result = await ddb.update({
    TableName: env.DEVICES_TABLE,
    Key: ticketKey(tenant.data, hash(ticket.slice(dot + 1))),
    UpdateExpression: 'SET #used = :use',
    ConditionExpression: 'attribute_exists(#pk) AND attribute_not_exists(#used) AND #until > :now',
    ExpressionAttributeNames: { '#pk': 'pk', '#used': 'used', '#until': 'until' },
    ExpressionAttributeValues: { ':now': seconds, ':use': use },
    ReturnValues: 'ALL_NEW',
  });
  // A repeated call finds the mark of its own first one.
  const redeemed = isRefused(result) ? (result.item?.used === use ? result.item : undefined) : result;
  if (!redeemed) return undefined;
  const { user, tokenExpires } = Ticket.parse(redeemed);
  return { tenant: tenant.data, user, expires: tokenExpires };
};
