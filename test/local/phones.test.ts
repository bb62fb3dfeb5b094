import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPhones } from '../../local/providers/phones.ts';
import { folder } from './stage.ts';

const push = (id: string, collapseId?: string) => ({
  platform: 'ios' as const,
  token: 't',
  app: 'a',
  id,
  collapseId,
  visible: true,
  payload: {},
});
const shown = (phones: ReturnType<typeof openPhones>) => phones.pushes().map(({ id, deliveries }) => [id, deliveries]);

describe('a phone', () => {
  test('shows one notification for pushes with the same collapse id', () => {
    const phones = openPhones(join(folder(), 'pushes.jsonl'));
    phones.receive(push('1', 'm'));
    phones.receive(push('2'));
    phones.receive(push('3', 'm'));
    expect(shown(phones)).toEqual([
      ['2', 1],
      ['3', 2],
    ]);
  });

  test('shows pushes without a collapse id each for itself, and those to other tokens', () => {
    const phones = openPhones(join(folder(), 'pushes.jsonl'));
    phones.receive(push('1'));
    phones.receive(push('1'));
    phones.receive({ ...push('2', 'm'), token: 'x' });
    phones.receive(push('2', 'm'));
    expect(shown(phones).length).toBe(4);
    expect(phones.pushes('x').length).toBe(1);
  });

  test('remembers after the end of the process, also when its last line was cut', () => {
    const file = join(folder(), 'pushes.jsonl');
    const before = openPhones(file);
    before.receive(push('1', 'm'));
    before.receive(push('2', 'm'));
    appendFileSync(file, '{"platform":"ios","tok');
    const after = openPhones(file);
    expect(shown(after)).toEqual([['2', 2]]);
    after.receive(push('3'));
    expect(shown(openPhones(file))).toEqual([
      ['2', 2],
      ['3', 1],
    ]);
  });

  test('forgets when it is cleared', () => {
    const file = join(folder(), 'pushes.jsonl');
    const phones = openPhones(file);
    phones.receive(push('1'));
    phones.clear();
    expect([shown(phones), readFileSync(file, 'utf8')]).toEqual([[], '']);
  });
});
