/** The sizes of the WebSocket frames in a stream of bytes (RFC 6455, 5.2). `ws` tells only of whole messages. */

const headerBytes = (header: number[]): number => {
  const second = header[1];
  if (second === undefined) return 2;
  const length = second & 0x7f;
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
  return 2 + extended + (second & 0x80 ? 4 : 0);
};

const payloadBytes = (header: number[]): number => {
  const length = (header[1] ?? 0) & 0x7f;
  if (length < 126) return length;
  const bytes = Buffer.from(header);
  return length === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
};

/**
 * @param onFrame called with a frame's payload size in bytes as soon as its header is there
 * @returns takes the bytes of one direction of a connection, in order, however they were cut
 */
export const watchFrames = (onFrame: (bytes: number) => void): ((chunk: Buffer) => void) => {
  let header: number[] = [];
  let payload = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      const step = Math.min(payload, chunk.length - at);
      payload -= step;
      at += step;
      const byte = chunk[at];
      if (payload > 0 || byte === undefined) continue;
      header.push(byte);
      at += 1;
      if (header.length < headerBytes(header)) continue;
      payload = payloadBytes(header);
      header = [];
      onFrame(payload);
    }
  };
};
