/** Filter patterns of event source mappings. */
import { describe, expect, test } from 'vitest';
import { createFilter } from '../../local/triggers/filter.ts';

const record = { eventName: 'INSERT', dynamodb: { Keys: { sk: { S: 'v#1' } }, NewImage: { kind: { S: 'pair' } } } };
const sk = (rule: unknown) => ({ dynamodb: { Keys: { sk: { S: [rule] } } } });

describe('a filter', () => {
  test.each([
    ['no pattern', [], true],
    ['an equal value', [{ eventName: ['INSERT'] }], true],
    ['one of several values', [{ eventName: ['MODIFY', 'INSERT'] }], true],
    ['another value', [{ eventName: ['MODIFY'] }], false],
    ['a prefix', [sk({ prefix: 'v#' })], true],
    ['another prefix', [sk({ prefix: 'c#' })], false],
    ['a suffix', [sk({ suffix: '#1' })], true],
    ['what is there', [sk({ exists: true })], true],
    ['what should not be there', [sk({ exists: false })], false],
    ['what is not there', [{ dynamodb: { OldImage: { v: { N: [{ exists: false }] } } } }], true],
    ['what should be there', [{ dynamodb: { OldImage: { v: { N: [{ exists: true }] } } } }], false],
    ['anything but this', [{ eventName: [{ 'anything-but': ['INSERT'] }] }], false],
    ['anything but another', [{ eventName: [{ 'anything-but': 'REMOVE' }] }], true],
    ['all of its fields', [{ eventName: ['INSERT'], ...sk({ prefix: 'c#' }) }], false],
    ['any of its patterns', [{ eventName: ['MODIFY'] }, sk({ prefix: 'v#' })], true],
    ['a field that is missing', [{ dynamodb: { NewImage: { missing: { S: ['x'] } } } }], false],
  ])('with %s lets the record through: %#', (_what, patterns, expected) =>
    expect(createFilter(patterns, 'M')(record)).toBe(expected),
  );

  test.each([
    [{ numeric: ['=', 1] }],
    [{ cidr: '10.0.0.0/8' }],
    [{ prefix: 1 }],
    [{ prefix: 'a', suffix: 'b' }],
    [['x']],
  ])('with %j is refused', (rule) =>
    expect(() => createFilter([{ a: { b: [rule] } }], 'M')).toThrow('M.a.b: local/ does not know the filter'),
  );
});
