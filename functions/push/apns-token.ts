/**
 * The token that tells APNs who we are (ES256). Apple counts the tokens of a team across all servers and bars a team that
 * makes them too often, so it is minted once per team and shared by all processes through the database.
 */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { allTenants } from '../../core/env.ts';
import type { TenantId } from '../../core/ids.ts';
import { appleTeamKey, type Key, providerTokenKey } from '../../core/keys.ts';
import type { Tenant } from '../../core/tenants.ts';

export type Apns = NonNullable<Tenant['push']['apns']>;
/** `iat` in Unix seconds. */
export type ProviderToken = { token: string; iat: number };
type ReadKey = (name: string) => Promise<string>;

/** Apple takes a token for 60 minutes. */
const RENEW_SECONDS = 50 * 60;
/** Apple bars whoever renews sooner. */
const YOUNGEST_SECONDS = 20 * 60;
const KEEP_SECONDS = 2 * 3600;

const Row = z.object({ token: z.string(), iat: z.int() });
type Row = z.infer<typeof Row>;
/** Unix seconds: no new token sooner. Apple counts by team, so it outlives a change of the key. */
const Team = z.object({ notBefore: z.int() });

const seconds = (deps: Deps): number => Math.floor(deps.now().getTime() / 1000);

/** One Apple team may serve several tenants; the first of them holds the rows. */
const holderOf = ({ teamId }: Apns): TenantId => {
  const holders = [...allTenants().values()].filter(({ push }) => push.apns?.teamId === teamId);
  const [first] = holders.map(({ tenant }) => tenant).sort();
  if (first === undefined) throw new Error(`no tenant has the Apple team ${teamId}`);
  return first;
};
const keyOf = (apns: Apns): Key => providerTokenKey(holderOf(apns), apns.teamId, apns.keyId);
const teamOf = ({ env }: Deps, apns: Apns) => ({
  TableName: env.DEVICES_TABLE,
  Key: appleTeamKey(holderOf(apns), apns.teamId),
});

const rowOf = async (deps: Deps, apns: Apns): Promise<Row | undefined> => {
  const item = await deps.ddb.get({ TableName: deps.env.DEVICES_TABLE, Key: keyOf(apns), ConsistentRead: true });
  return Row.safeParse(item).data;
};

const sign = async ({ teamId, keyId }: Apns, pem: string, iat: number): Promise<string> =>
  new SignJWT({})
    .setIssuer(teamId)
    .setIssuedAt(iat)
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .sign(createPrivateKey(pem));

/** @returns ours, or that of the process that was first */
const mint = async (deps: Deps, apns: Apns, readKey: ReadKey, before: Row | undefined): Promise<ProviderToken> => {
  const iat = seconds(deps);
  const token = await sign(apns, await readKey(apns.key), iat);
  const result = await deps.ddb.put({
    TableName: deps.env.DEVICES_TABLE,
    Item: { ...keyOf(apns), token, iat, expires: iat + KEEP_SECONDS },
    ConditionExpression: before ? '#iat = :iat' : 'attribute_not_exists(#iat)',
    ExpressionAttributeNames: { '#iat': 'iat' },
    ...(before && { ExpressionAttributeValues: { ':iat': before.iat } }),
  });
  return isRefused(result) ? Row.parse(result.item) : { token, iat };
};

const shared = async (deps: Deps, apns: Apns, readKey: ReadKey, youngest: number): Promise<ProviderToken> => {
  const row = await rowOf(deps, apns);
  const now = seconds(deps);
  if (row && now - row.iat < youngest) return row;
  const team = Team.safeParse(await deps.ddb.get({ ...teamOf(deps, apns), ConsistentRead: true })).data;
  if (!team || team.notBefore <= now) return mint(deps, apns, readKey, row);
  if (!row) throw new Error(`the Apple team ${apns.teamId} may not have a new token yet`);
  return row;
};

/** APNs says that we mint too often: nobody does for a while. */
const pause = async (deps: Deps, apns: Apns): Promise<void> => {
  await deps.ddb.update({
    ...teamOf(deps, apns),
    UpdateExpression: 'SET #notBefore = :notBefore, #expires = :expires',
    ExpressionAttributeNames: { '#notBefore': 'notBefore', '#expires': 'expires' },
    ExpressionAttributeValues: {
      ...{ ':notBefore': seconds(deps) + YOUNGEST_SECONDS, ':expires': seconds(deps) + KEEP_SECONDS },
    },
  });
};

/** One process's view of the tokens. @param readKey reads the key (PEM) by its parameter's name */
export const createProviderTokens = (readKey: ReadKey) => {
  const kept = new Map<string, Promise<ProviderToken>>();
  const nameOf = ({ teamId, keyId }: Apns): string => `${teamId}/${keyId}`;
  /** Asked once for all that ask meanwhile. */
  const ask = (name: string, load: () => Promise<ProviderToken>): Promise<ProviderToken> => {
    const asked = load();
    kept.set(name, asked);
    asked.catch(() => kept.get(name) === asked && kept.delete(name));
    return asked;
  };
  return {
    /** Costs nothing but for the first time and every 50 minutes. */
    current: async (deps: Deps, apns: Apns): Promise<ProviderToken> => {
      const name = nameOf(apns);
      const load = (): Promise<ProviderToken> => shared(deps, apns, readKey, RENEW_SECONDS);
      const before = kept.get(name);
      const known = await (before ?? ask(name, load));
      if (seconds(deps) - known.iat < RENEW_SECONDS) return known;
      const newer = kept.get(name);
      return newer && newer !== before ? newer : ask(name, load);
    },
    /** APNs says that it has expired. @returns another one, or undefined when there may be none yet */
    refresh: async (deps: Deps, apns: Apns, used: ProviderToken): Promise<ProviderToken | undefined> => {
      const name = nameOf(apns);
      const held = await kept.get(name);
      if (held && held.iat !== used.iat) return held;
      const token = await ask(name, () => shared(deps, apns, readKey, YOUNGEST_SECONDS));
      return token.iat === used.iat ? undefined : token;
    },
    pause,
  };
};
