/** A pointer that nobody can read is replaced by one to nothing; what only the person knows is kept where it can be read. */
import { expect, test } from 'vitest';
import { parsePointer } from '../../core/pointers.ts';
import { blankOf } from '../../ops/levels.ts';

const key = { pk: 'demo#person#usr_ada', sk: 'conversation#cnv_AAAAAAAAAAAAAAAAAAAAAA' };
const now = { at: '2026-01-01T00:00:00.000Z', era: 7 };
const replaced = (more: object) => parsePointer(blankOf({ ...key, v: 'poison', ...more }, now) ?? {});

test('its mute stays, with its count', () =>
  expect(replaced({ muted: 'forever', mutes: 3 })).toMatchObject({ v: 0, era: 7, muted: 'forever', mutes: 3 }));
test('its count stays without a mute', () => {
  expect(replaced({ mutes: 4 })).toMatchObject({ v: 0, mutes: 4 });
  expect(replaced({ mutes: 4 })).not.toHaveProperty('muted');
});
test.each([{ muted: 7, mutes: 3 }, { muted: 'forever', mutes: 'three' }, {}])('of %j nothing stays', (more) => {
  expect(replaced(more)).toMatchObject({ v: 0, mutes: 0 });
  expect(replaced(more)).not.toHaveProperty('muted');
});
