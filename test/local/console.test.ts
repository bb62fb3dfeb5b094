import { describe, expect, test } from 'vitest';
import { createConsole } from '../../local/console.ts';

const told = (entry: object | string, options: { quiet?: boolean; color?: boolean } = {}) => {
  const lines: string[] = [];
  const sink = createConsole({ quiet: false, color: false, ...options, write: (line) => lines.push(line) });
  const parsed = sink(
    typeof entry === 'string' ? entry : JSON.stringify({ t: '2026-01-02T03:04:05.678Z', level: 'info', ...entry }),
  );
  return { lines, parsed };
};

describe('the console', () => {
  test.each([
    [
      { msg: 'committed', stream: 'conversation/cnv_1', v: 3, by: 'ada', events: ['Sent'] },
      'committed     conversation/cnv_1 v3 by ada  Sent',
    ],
    [
      {
        msg: 'delivered',
        stream: 'conversation/cnv_1',
        v: 3,
        person: 'ben',
        pointer: 'moved',
        devices: ['phone', 'web'],
      },
      'delivered     conversation/cnv_1 v3 to ben  pointer moved, frame → phone, web',
    ],
    [
      { msg: 'delivered', stream: 'person/ben', v: 1, person: 'ben', pointer: 'moved', devices: [] },
      'delivered     person/ben v1 to ben  pointer moved, no open socket',
    ],
    [
      { msg: 'push decided', stream: 'person/ben', v: 1, person: 'ben', device: 'phone', decision: 'sent to apns' },
      'push decided  person/ben v1 for ben/phone  push → sent to apns',
    ],
    [
      { level: 'warn', msg: 'frame lost', device: 'phone', error: 'Error: late', units: { read: 1 } },
      'frame lost    device=phone error=Error: late units={"read":1}',
    ],
    [{ level: 'error', msg: 'done', fn: 'react', outcome: 'failed' }, 'done          fn=react outcome=failed'],
  ])('tells a step in one line with its ids', (entry, line) => {
    expect(told(entry).lines).toEqual([`03:04:05.678  ${line}`]);
  });

  test('hides the end of invocations that went well, and hands it on', () => {
    const { lines, parsed } = told({ msg: 'done', fn: 'react', units: { read: 1, write: 2 } });
    expect([lines, parsed]).toMatchObject([[], { units: { read: 1, write: 2 } }]);
  });

  test('hides what was counted', () =>
    expect(told({ msg: 'measured', _aws: { Timestamp: 1 }, Tenant: 'demo', PushesSent: 1 }).lines).toEqual([]));

  test.each(['plain words', '{"not":"a log line"}', '{ broken', '{"msg":1'])('lets %s through', (line) => {
    expect(told(line)).toEqual({ lines: [line], parsed: undefined });
  });

  test('prints nothing when quiet, and hands entries on', () => {
    expect(told({ msg: 'committed' }, { quiet: true })).toMatchObject({ lines: [], parsed: { msg: 'committed' } });
  });

  test('paints on a terminal, and lets no log line do so', () => {
    expect(told({ msg: 'committed' }, { color: true }).lines[0]).toContain('\u001b[36mcommitted');
    expect(told({ level: 'warn', msg: 'x', error: '\u001b[2J' }).lines[0]).not.toContain('\u001b');
  });
});
