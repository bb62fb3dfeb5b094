/** Binding a server to the loopback interface and letting go of it again. */
import type { AddressInfo, Server } from 'node:net';
import { StartError } from './errors.ts';

export const LOOPBACK = '127.0.0.1';

const sentence = (port: number, code: unknown): string => {
  if (code === 'EADDRINUSE') return `port ${port} is taken by another program; choose another one with --port`;
  if (code === 'EACCES') return `port ${port} needs an administrator's rights; choose one above 1023 with --port`;
  return `cannot listen on port ${port} (${String(code)}); choose another one with --port`;
};

/**
 * Listens on loopback only.
 * @param port 0 for any free one
 * @returns the port that was bound
 * @throws StartError for a port that cannot be had
 */
export const listen = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(sentence(port, error.code))));
    server.listen({ port, host: LOOPBACK }, () => {
      server.removeAllListeners('error');
      resolve((server.address() as AddressInfo).port);
    });
  });

/** Stops listening and drops what is still open. */
export const close = (server: Server & { closeAllConnections?: () => void }): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
