/** What API Gateway says about itself and the moment in every event, the same for the HTTP and the WebSocket API. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';
export const HTTP_API = 'localhttp';
export const SOCKET_API = 'localsocket';
export const SOCKET_STAGE = 'local';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** The log format of web servers, in UTC: 03/Mar/2026:14:07:09 +0000. */
export const requestTime = (at: Date): string =>
  `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:` +
  `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;

/** 16 characters that end with '=', as API Gateway's request and connection ids. */
export const gatewayId = (): string => `${randomBytes(11).toString('base64url')}=`;

/** Path and query as they came over the wire, or undefined when the target is not a path. */
export const target = (request: IncomingMessage): { path: string; query: string } | undefined => {
  const url = request.url ?? '';
  if (!url.startsWith('/')) return undefined;
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
};

/** Every value of every query parameter, decoded, in order. */
export const queryValues = (query: string): Record<string, string[]> => {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]));
};

/** Every value of every header, names in lower case. */
export const headerValues = (request: IncomingMessage): Record<string, string[]> =>
  Object.fromEntries(Object.entries(request.headersDistinct).map(([name, values]) => [name, values ?? []]));

export const sourceIp = (request: IncomingMessage): string => request.socket.remoteAddress ?? '127.0.0.1';

/** One string for each name, or undefined when there are no names: API Gateway leaves empty maps out. */
export const joined = (
  values: Record<string, string[]>,
  by: (all: string[]) => string,
): Record<string, string> | undefined => {
  const entries = Object.entries(values);
  return entries.length === 0 ? undefined : Object.fromEntries(entries.map(([name, all]) => [name, by(all)]));
};
