/**
 * Was a certificate that signs for the App Store revoked? Asked off the hot path, at most once an hour for each; what is found
 * is a row that every process reads before it believes. Whoever can not be asked has revoked nothing.
 */
import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { createLru } from '../../core/lru.ts';
import { revocationKey } from '../../core/purchase-keys.ts';
import type { Tenant } from '../../core/tenants.ts';
import { headerOf } from './appstore-jws.ts';
import { ANSWER_BYTES, type Revocation, readAnswer, requestOf, responderOf } from './appstore-ocsp.ts';
import { issuerOf, trustOf } from './appstore-trust.ts';

/** Of all that is asked about one certificate. */
const DEADLINE_MS = 5000;
const ASKED_MS = 3_600_000;
/** A responder that did not answer is not asked again at once, and a row is not read for each notification. */
const REMEMBERED_MS = 5 * 60_000;
const KEEP_SECONDS = 30 * 24 * 3600;
const CERTIFICATES = 100;

const Row = z.object({ status: z.enum(['good', 'revoked']), checked: z.number() });
type Row = z.infer<typeof Row>;
type Rows = Pick<Deps, 'ddb' | 'env' | 'now'>;

/** By tenant and certificate: what its row was, and whether it could be asked about; each until when that holds. */
const rows = createLru<{ row: Row | undefined; until: number }>(CERTIFICATES);
const askedUntil = createLru<number>(CERTIFICATES);
const nameOf = (tenant: TenantId, leaf: string): string => `${tenant}#${leaf}`;

const readRow = async ({ ddb, env, now }: Rows, tenant: TenantId, leaf: string): Promise<Row | undefined> => {
  const name = nameOf(tenant, leaf);
  const remembered = rows.get(name);
  if (remembered && now().getTime() < remembered.until) return remembered.row;
  const item = await ddb.get({ TableName: env.TRAIL_TABLE, Key: revocationKey(tenant, leaf) });
  const row = Row.safeParse(item).data;
  rows.set(name, { row, until: now().getTime() + REMEMBERED_MS });
  return row;
};

const keeping = {
  good: 'SET #status = :status, #checked = :checked, #expires = :expires',
  revoked: 'SET #status = :status, #checked = :checked REMOVE #expires',
};

/** What was revoked stays so, for ever: nothing that is found later takes it back. @returns what holds */
const writeRow = async (
  { ddb, env, now }: Rows,
  tenant: TenantId,
  certificate: string,
  found: Row['status'],
): Promise<Row['status']> => {
  const checked = now().getTime();
  const written = await ddb.update({
    TableName: env.TRAIL_TABLE,
    Key: revocationKey(tenant, certificate),
    UpdateExpression: keeping[found],
    ConditionExpression: 'attribute_not_exists(#status) OR #status <> :revoked',
    ExpressionAttributeNames: { '#status': 'status', '#checked': 'checked', '#expires': 'expires' },
    ExpressionAttributeValues: {
      ...{ ':status': found, ':checked': checked, ':revoked': 'revoked' },
      ...(found === 'good' && { ':expires': Math.floor(checked / 1000) + KEEP_SECONDS }),
    },
  });
  const status = isRefused(written) ? 'revoked' : found;
  rows.set(nameOf(tenant, certificate), { row: { status, checked }, until: checked + REMEMBERED_MS });
  return status;
};

/** Is a certificate known to be revoked? One read in five minutes for each; nobody is asked. */
export const revokedBy =
  (deps: Rows, tenant: TenantId) =>
  async (leaf: string): Promise<boolean> =>
    (await readRow(deps, tenant, leaf))?.status === 'revoked';

const readBody = async (response: Response): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new Error('an answer without an end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const ask = async (
  { now, log }: Pick<Deps, 'now' | 'log'>,
  certificate: X509Certificate,
  issuer: X509Certificate | undefined,
  signal: AbortSignal,
): Promise<Revocation> => {
  const url = responderOf(certificate);
  if (!url || !issuer) return 'unknown';
  try {
    const headers = { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' };
    const body = new Uint8Array(requestOf(certificate, issuer));
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return readAnswer(await readBody(response), certificate, issuer, now());
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    log({ level: 'warn', msg: 'revocation not known', certificate: certificate.subject, url, reason });
    return 'unknown';
  }
};

type Asking = Pick<Deps, 'ddb' | 'env' | 'now' | 'log'>;

type Certificate = { certificate: X509Certificate; issuer: X509Certificate | undefined; fingerprint: string };

/** Unless somebody asked within the hour. */
const checkOne = async (
  deps: Asking,
  tenant: TenantId,
  { certificate, issuer, fingerprint }: Certificate,
  signal: AbortSignal,
): Promise<Revocation> => {
  const now = deps.now().getTime();
  const row = await readRow(deps, tenant, fingerprint);
  if (row && (row.status === 'revoked' || now < row.checked + ASKED_MS)) return row.status;
  const name = nameOf(tenant, fingerprint);
  if (now < (askedUntil.get(name) ?? 0)) return 'unknown';
  askedUntil.set(name, now + REMEMBERED_MS);
  const found = await ask(deps, certificate, issuer, signal);
  if (found === 'unknown') return found;
  if (found === 'revoked') deps.log({ level: 'error', msg: 'certificate revoked', tenant, fingerprint });
  return writeRow(deps, tenant, fingerprint, found);
};

/**
 * Asks about the certificates of something that was verified: the one that signed, and the one that issued it.
 * @param jws what was verified: nobody else's responder is asked
 */
export const checkRevocation = async (
  deps: Asking,
  tenant: Tenant,
  jws: string,
  deadlineMs = DEADLINE_MS,
): Promise<Revocation> => {
  const { leaf, intermediate, fingerprints } = headerOf(jws);
  const [ofLeaf = '', ofIntermediate = ''] = fingerprints;
  const root = issuerOf(trustOf(tenant), intermediate);
  const signal = AbortSignal.timeout(deadlineMs);
  const found = await Promise.all([
    checkOne(deps, tenant.tenant, { certificate: leaf, issuer: intermediate, fingerprint: ofLeaf }, signal),
    checkOne(deps, tenant.tenant, { certificate: intermediate, issuer: root, fingerprint: ofIntermediate }, signal),
  ]);
  return found.find((each) => each === 'revoked') ?? found.find((each) => each === 'unknown') ?? 'good';
};
