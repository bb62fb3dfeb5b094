/** Development key pairs, made when they are first asked for and kept in the data folder. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { replaceFile } from './files.ts';

const generate = promisify(generateKeyPair);

export type KeyPair = { privateKey: KeyObject; publicKey: KeyObject; pem: string };

/** @returns the pair of that name, the same at each call and after a restart */
export type Keys = (name: string, kind: 'RS256' | 'ES256') => Promise<KeyPair>;

const make = async (kind: 'RS256' | 'ES256'): Promise<string> => {
  const { privateKey } =
    kind === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** @param data the data folder; the keys are in its folder `keys` */
export const openKeys = (data: string): Keys => {
  const folder = join(data, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const asked = new Map<string, Promise<KeyPair>>();
  const load = async (name: string, kind: 'RS256' | 'ES256'): Promise<KeyPair> => {
    const file = join(folder, `${name.replaceAll(/[^A-Za-z0-9_-]/g, '.')}.pem`);
    const kept = read(file);
    const pem = kept ?? (await make(kind));
    if (kept === undefined) replaceFile(file, pem, 0o600);
    const privateKey = createPrivateKey(pem);
    return { privateKey, publicKey: createPublicKey(pem), pem };
  };
  return (name, kind) => {
    const pair = asked.get(name) ?? load(name, kind);
    asked.set(name, pair);
    return pair;
  };
};
