/** What a power cut may not take: acknowledged writes wait for the disk, and small files are whole or not there. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEngine } from '../../local/engine/engine.ts';
import { findEngine } from '../../local/engine/engine-binary.ts';
import { replaceFile } from '../../local/files.ts';
import { issuerName } from '../../local/issuer.ts';
import { openKeys } from '../../local/keys.ts';
import { openCheckpoints } from '../../local/triggers/checkpoints.ts';
import { startQueues } from '../../local/triggers/queues.ts';
import { folder } from './stage.ts';

/** The journal mode stands in the file, so that any connection can tell. */
const journalOf = (file: string): unknown => {
  const database = new DatabaseSync(file, { readOnly: true });
  onTestFinished(() => database.close());
  return database.prepare('PRAGMA journal_mode').get()?.journal_mode;
};

describe('an acknowledged write is on the disk', () => {
  test('in the queues and buckets, as their own connection says', async () => {
    const data = folder();
    const queues = await startQueues(data);
    onTestFinished(() => queues.stop());
    expect([queues.synchronous(), journalOf(join(data, 'fauxqs.db'))]).toEqual([2, 'wal']);
  });

  test('in the database, whose log waits for the disk by the build of its engine', async () => {
    const data = folder();
    const engine = await startEngine(data, {}, () => undefined);
    onTestFinished(() => engine.stop());
    expect(journalOf(join(data, 'dynamo.db'))).toBe('wal');
    // Its connection is out of reach. It sets nothing outside of imports, which we never do, so the build's default holds.
    const built = readFileSync(findEngine(process.env)).includes('DEFAULT_WAL_SYNCHRONOUS=2');
    expect(built, 'another engine: count its fsyncs again, as docs/recovery.md says').toBe(true);
  });
});

describe('a small file', () => {
  test('is replaced as a whole, and nothing is left beside it', () => {
    const data = folder();
    mkdirSync(data, { recursive: true });
    const file = join(data, 'one');
    replaceFile(file, 'old');
    replaceFile(file, 'new');
    expect([readFileSync(file, 'utf8'), readdirSync(data)]).toEqual(['new', ['one']]);
  });

  test('that was cut while it was written is not taken for a key', async () => {
    const data = folder();
    const pair = await openKeys(data)('issuer', 'RS256');
    // What a cut in the middle of a first write leaves behind.
    writeFileSync(join(data, 'keys', 'other.pem.new'), '-----BEGIN');
    expect((await openKeys(data)('issuer', 'RS256')).pem).toBe(pair.pem);
    expect((await openKeys(data)('other', 'RS256')).pem).toContain('PRIVATE KEY');
  });

  test('that was cut while it was written is not taken for the name of the issuer', () => {
    const data = folder();
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'issuer.new'), '');
    expect(issuerName(data, 'http://127.0.0.1:1')).toBe('http://127.0.0.1:1/dev/issuer');
    expect(issuerName(data, 'http://127.0.0.1:2')).toBe('http://127.0.0.1:1/dev/issuer');
  });

  test('of checkpoints comes after what it speaks of', async () => {
    const file = join(folder(), 'checkpoints.json');
    const checkpoints = openCheckpoints(file);
    checkpoints.set('stream', '7');
    // Set after its batch was handled, on the disk only later: what a cut takes is delivered again.
    expect(existsSync(file)).toBe(false);
    await checkpoints.flush();
    expect(readFileSync(file, 'utf8')).toContain('"stream": "7"');
  });
});
