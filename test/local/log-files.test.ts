import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { log } from '../../core/log.ts';
import { openLogFiles } from '../../local/log-files.ts';
import { captureLogs } from '../../local/logs.ts';
import { announce } from '../../local/running.ts';
import { folder } from './stage.ts';

const linesOf = async (read: () => AsyncIterable<string>): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of read()) lines.push(line);
  return lines.filter((line) => line !== '');
};

test('what was appended can be read at once, and by the next process', async () => {
  const path = folder();
  const first = openLogFiles(path);
  for (const line of ['one', 'two']) first.append(line);
  expect(await linesOf(first.read)).toEqual(['one', 'two']);
  // Killed in the middle of a line.
  appendFileSync(join(path, 'log.jsonl'), 'thr');
  const second = openLogFiles(path);
  second.append('four');
  expect(await linesOf(second.read)).toEqual(['one', 'two', 'thr', 'four']);
});

test('two files take turns, so that the newest lines are kept and no more than twice a file', async () => {
  const path = folder();
  const files = openLogFiles(path, 100);
  for (let i = 0; i < 50; i++) {
    files.append(`line ${i}`);
    await files.flush();
  }
  const lines = await linesOf(files.read);
  const kept = lines.length;
  expect(lines).toEqual(Array.from({ length: kept }, (_, i) => `line ${50 - kept + i}`));
  expect(kept).toBeGreaterThan(10);
  for (const name of readdirSync(path)) expect(statSync(join(path, name)).size).toBeLessThanOrEqual(100);
});

test('a folder that is gone stops nobody', async () => {
  const files = openLogFiles(join(folder(), 'none'));
  files.append('one');
  await files.flush();
  expect(await linesOf(files.read)).toEqual([]);
});

test('the functions’ entries are kept, other lines are not', async () => {
  const path = folder();
  const logs = captureLogs(true);
  try {
    const flush = logs.keepIn(path);
    console.log(JSON.stringify({ t: 'now', level: 'info', msg: 'committed' }));
    log({ level: 'info', msg: 'measured', _aws: { Timestamp: 1, CloudWatchMetrics: [] } });
    logs.note('warn', 'note', { text: 'x' });
    await flush();
  } finally {
    logs.restore();
  }
  const kept = readFileSync(join(path, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  expect(kept.map((line) => JSON.parse(line).msg)).toEqual(['committed', 'measured', 'note']);
});

test('a system is announced while it runs', () => {
  const path = folder();
  const takeBack = announce(path, { EVENTS_TABLE: 'Events' });
  const said = JSON.parse(readFileSync(join(path, 'system.json'), 'utf8'));
  expect(said).toEqual({ pid: process.pid, env: { EVENTS_TABLE: 'Events' } });
  takeBack();
  expect(existsSync(join(path, 'system.json'))).toBe(false);
});
