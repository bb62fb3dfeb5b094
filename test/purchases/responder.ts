/** An OCSP responder, as honest or not as a test wants it. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  childrenOf,
  context,
  der,
  generalizedTime,
  octets,
  oid,
  readDer,
  sequence,
  tags,
  within,
} from '../../core/der.ts';
import { type Link, nameOf, signed } from '../../local/providers/appstore-pki.ts';

export type Said = {
  status?: 'good' | 'revoked' | 'unknown';
  from?: Date;
  /** Absent: does not say. */
  until?: Date | undefined;
  by?: Link;
  key?: KeyObject;
  /** Certificates that it sends along. */
  along?: Link[];
  /** Of another question. */
  serial?: Buffer;
  /** Of the whole: 0 when it can say. */
  outcome?: number;
};

const statuses = {
  good: der(context(0, 'primitive')),
  revoked: der(context(1), generalizedTime(new Date('2026-01-01T00:00:00Z'))),
  unknown: der(context(2, 'primitive')),
};

/** The answer to a request about one certificate. */
export const answer = (request: Buffer, issuer: Link, said: Said, now: Date): Buffer => {
  const { status = 'good', from = now, by = issuer, key = by.key, along = [], serial, outcome = 0 } = said;
  const until = 'until' in said ? said.until : new Date(now.getTime() + 3_600_000);
  const asked = within(readDer(request), 0, 0, 0, 0);
  const [algorithm, name, issuerKey, number] = childrenOf(asked);
  if (!algorithm || !name || !issuerKey || !number) throw new Error('no question');
  const id = sequence(algorithm.whole, name.whole, issuerKey.whole, serial ? der(tags.integer, serial) : number.whole);
  const next = until ? [der(context(0), generalizedTime(until))] : [];
  const single = sequence(id, statuses[status], generalizedTime(from), ...next);
  const data = sequence(der(context(1), nameOf(by.name)), generalizedTime(now), sequence(single));
  const certificates = along.length > 0 ? [der(context(0), sequence(...along.map((each) => each.certificate)))] : [];
  const basic = signed(data, key, ...certificates);
  const bytes = sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(basic));
  return sequence(der(tags.enumerated, Buffer.from([outcome])), der(context(0), bytes));
};

/** Of which of these certificates is it asked? */
export const isAbout = (request: Buffer, link: Link): boolean => {
  const asked = childrenOf(within(readDer(request), 0, 0, 0, 0))[3]?.value.toString('hex');
  return asked === new X509Certificate(link.certificate).serialNumber.toLowerCase();
};

export type Responder = { url: string; asked: Buffer[]; close: () => Promise<void> };

/** @param reply the bytes, or undefined to say nothing */
export const startResponder = async (reply: (request: Buffer) => Buffer | undefined): Promise<Responder> => {
  const asked: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    asked.push(body);
    const bytes = reply(body);
    if (bytes) response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/ocsp`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url, asked, close };
};
