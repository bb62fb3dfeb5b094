/** Memory of the system's process and of the engine's, at rest and with idle connections. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Origins, type Socket, signIn } from './people.ts';
import { type Chorus, enginePid, freePort, residentBytes, startChorus } from './process.ts';

const WARM_UP = 100;
const CONNECTIONS = 500;
const WIDTH = 10;
const DEVICES = 10;
const REST_MILLISECONDS = 1500;

/** So many idle connections, ten devices a person. */
const openMany = async (at: Origins, count: number, name: string): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  for (let person = 0; person < count / DEVICES; person += WIDTH) {
    const people = await Promise.all(
      Array.from({ length: Math.min(WIDTH, count / DEVICES - person) }, (_each, index) =>
        signIn(at, `${name}-${person + index}`),
      ),
    );
    for (let device = 0; device < DEVICES; device++)
      sockets.push(...(await Promise.all(people.map((who) => connect(at, who, `device-${device}`, () => undefined)))));
  }
  return sockets;
};

/** Resident bytes once they have settled. */
const settled = async (pid: number): Promise<number> => {
  await sleep(REST_MILLISECONDS);
  return residentBytes(pid);
};

type Memory = { atRest: number; engine: number; perConnection: number };

const measure = async (chorus: Chorus, data: string): Promise<Memory> => {
  await chorus.answered();
  const atRest = await settled(chorus.pid);
  const engine = residentBytes(enginePid(data));
  const first = await openMany(chorus, WARM_UP, 'early');
  const before = await settled(chorus.pid);
  const more = await openMany(chorus, CONNECTIONS, 'late');
  const after = await settled(chorus.pid);
  await Promise.all([...first, ...more].map((socket) => socket.close()));
  return { atRest, engine, perConnection: (after - before) / CONNECTIONS };
};

/** In bytes. What a connection adds is told apart from what the first ones warm up. */
export const memory = async (): Promise<Memory> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-memory-'));
  const chorus = startChorus({ data, port: await freePort() });
  try {
    return await chorus.during(() => measure(chorus, data));
  } finally {
    await chorus.stop();
    rmSync(data, { recursive: true, force: true });
  }
};
