/** APNs' provider tokens: whose key signed one, and how often a team changes it. */
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Tenant } from '../../core/tenants.ts';
import type { Keys } from '../keys.ts';
import { apnsKey } from '../secrets.ts';
import type { Refusal } from './apns-rules.ts';

const TOKEN_SECONDS = 3600;

/** Apple's: a team's token may change once in 20 minutes. */
export const CHANGE_SECONDS = 1200;
/** Nobody's token is good for longer than for three changes. */
const KEPT = 4;

/** Per team: the `iat`s of the tokens that were taken, the latest last. */
export type Teams = Map<string, number[]>;

export type TokenOptions = {
  tenants: Tenant[];
  keys: Keys;
  /** Both environments count together. */
  teams: Teams;
  /** A team's token may change once in so many seconds; 0 for as often as it likes. */
  changeSeconds: number;
};

const forbidden = (reason: string): Refusal => ({ status: 403, reason });

/** Another `iat` is another token: Apple counts them by team, whatever key signed them and whatever host takes them. */
const isChangedTooOften = ({ teams, changeSeconds }: TokenOptions, team: string, iat: number): boolean => {
  const taken = teams.get(team) ?? [];
  if (taken.includes(iat)) return false;
  if (taken.some((other) => Math.abs(iat - other) < changeSeconds)) return true;
  teams.set(team, [...taken, iat].slice(-KEPT));
  return false;
};

/** The topics of the team whose key signed the token. */
export const authenticate = async (options: TokenOptions, bearer: string | undefined): Promise<string[] | Refusal> => {
  const token = /^bearer (.+)$/i.exec(bearer ?? '')?.[1];
  if (token === undefined) return forbidden('MissingProviderToken');
  try {
    const { kid } = decodeProtectedHeader(token);
    const all = options.tenants.flatMap(({ push }) => (push.apns ? [push.apns] : []));
    const apns = all.find(({ keyId }) => keyId === kid);
    if (!apns) return forbidden('InvalidProviderToken');
    const { publicKey } = await apnsKey(options.keys, apns.key);
    const demands = { algorithms: ['ES256'], issuer: apns.teamId, maxTokenAge: TOKEN_SECONDS, clockTolerance: 0 };
    const { payload } = await jwtVerify(token, publicKey, demands);
    return isChangedTooOften(options, apns.teamId, payload.iat ?? 0)
      ? { status: 429, reason: 'TooManyProviderTokenUpdates' }
      : all.flatMap(({ teamId, topics }) => (teamId === apns.teamId ? topics : []));
  } catch (error) {
    const tooOld = error instanceof errors.JWTExpired;
    return forbidden(tooOld ? 'ExpiredProviderToken' : 'InvalidProviderToken');
  }
};
