/** A bare HTTP/2 server that accepts whatever is sent to it, as APNs would. Forked, so that it has a core of its own. */
import { createServer } from 'node:http2';

const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on('session', (session) => session.on('error', () => session.destroy()));
server.on('stream', (stream, headers) => {
  stream.on('error', () => stream.destroy());
  stream.resume();
  stream.on('end', () =>
    stream.respond({ ':status': 200, 'apns-id': String(headers['apns-id'] ?? '') }, { endStream: true }),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address ? address.port : 0);
});
process.once('disconnect', () => process.exit(0));
