/** The template and its interpreter: intrinsics, the model, and the refusal of whatever is not known. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { interpret } from '../../local/template/interpret.ts';
import { type Names, resolve } from '../../local/template/intrinsics.ts';
import { loadTemplate, type Template } from '../../local/template/template.ts';
import { folder } from './stage.ts';

const names: Names = { ref: (id) => `<${id}>`, attribute: (id, name) => `<${id}.${name}>` };

describe('an intrinsic', () => {
  test.each([
    [{ Ref: 'A' }, '<A>'],
    [{ 'Fn::GetAtt': ['A', 'Arn'] }, '<A.Arn>'],
    [{ 'Fn::GetAtt': 'A.Arn' }, '<A.Arn>'],
    [{ 'Fn::Join': ['-', ['x', { Ref: 'A' }, 1]] }, 'x-<A>-1'],
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Fn::Sub's own placeholders
    [{ 'Fn::Sub': 'x-${A}-${A.Arn}-${!A}' }, 'x-<A>-<A.Arn>-${A}'],
    [{ 'Fn::Sub': ['${V}${A}', { V: { Ref: 'B' } }] }, '<B><A>'],
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Fn::Sub's own placeholders
    [
      { list: [{ Ref: 'A' }], plain: { Ref: 1, other: 2 } },
      { list: ['<A>'], plain: { Ref: 1, other: 2 } },
    ],
  ])('%j stands for %j', (value, expected) => expect(resolve(value, names)).toEqual(expected));

  test.each([['Fn::If'], ['Fn::ImportValue'], ['Fn::Select'], ['Fn::Split']])('%s is refused by its name', (name) =>
    expect(() => resolve({ a: [{ [name]: ['x', 'y'] }] }, names)).toThrow(`local cannot evaluate ${name}`),
  );
});

const template = await loadTemplate();
const read = (t: Template) => interpret(t, 'http://127.0.0.1:1');
/** The template with one resource changed or added. */
const changed = (id: string, change: Record<string, unknown>, Type = template.Resources[id]?.Type ?? ''): Template => {
  const old = template.Resources[id];
  const resource = { Type, Metadata: old?.Metadata ?? {}, Properties: { ...old?.Properties, ...change } };
  return { ...template, Resources: { ...template.Resources, [id]: resource } };
};

describe('the model', () => {
  test('holds the tables with their streams and their time to live', () => {
    const { tables } = read(template);
    expect(Object.keys(tables).sort()).toEqual(['Devices', 'Events', 'Inbox', 'Trail', 'Transactions', 'Views']);
    expect(tables.Events?.streamView).toBe('NEW_IMAGE');
    expect(tables.Inbox?.streamView).toBe('NEW_AND_OLD_IMAGES');
    expect(tables.Devices?.ttlAttribute).toBe('expires');
  });

  test('knows what triggers every function', () => {
    const { functions, http, sockets, streams, consumers, schedules } = read(template);
    const triggered = [
      ...http.routes.flatMap(({ functionId, authorizerId }) => [functionId, ...(authorizerId ? [authorizerId] : [])]),
      ...Object.values(sockets.routes).map(({ functionId }) => functionId),
      sockets.authorizerId,
      ...[...streams, ...consumers, ...schedules].map(({ functionId }) => functionId),
    ];
    expect(new Set(triggered)).toEqual(new Set(Object.keys(functions)));
  });

  test('resolves the environment to what is here', () => {
    expect(read(template).env).toMatchObject({
      EVENTS_TABLE: 'Events',
      PARKED_BUCKET: 'parked',
      AUDIT_BUCKET: 'audit',
      PUSH_QUEUE_URL: 'http://127.0.0.1:1/000000000000/PushQueue',
    });
  });

  test('is refused when two functions want different values for one name', () => {
    const Environment = { Variables: { STAGE: 'another' } };
    expect(() => read(changed('SyncHttp', { Environment }))).toThrow('SyncHttp wants another STAGE');
  });
});

describe('local refuses, in a sentence with the name,', () => {
  const mapping = 'EventsToSyncDeliverStream';
  const pattern = (rule: unknown) => ({
    FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ eventName: [rule] }) }] },
  });
  test.each([
    [
      'an unknown type',
      changed('Cache', {}, 'AWS::ElastiCache::Cluster'),
      'Cache: local/ does not know the type AWS::ElastiCache::Cluster',
    ],
    [
      'an unknown property',
      changed('Events', { GlobalSecondaryIndexes: [] }),
      'Events (AWS::DynamoDB::GlobalTable): GlobalSecondaryIndexes',
    ],
    [
      'an unknown inner property',
      changed('PushQueue', { RedrivePolicy: { more: 1 } }),
      'PushQueue (AWS::SQS::Queue): RedrivePolicy',
    ],
    [
      'an unknown property of a mapping',
      changed(mapping, { ParallelizationFactor: 2 }),
      `${mapping} (AWS::Lambda::EventSourceMapping): ParallelizationFactor`,
    ],
    [
      'a value that it cannot honour',
      changed(mapping, { StartingPosition: 'LATEST' }),
      `${mapping} (AWS::Lambda::EventSourceMapping): StartingPosition`,
    ],
    [
      'a filter that it does not know',
      changed(mapping, pattern({ numeric: ['>', 1] })),
      `${mapping}.eventName: local/ does not know the filter {"numeric"`,
    ],
    [
      'a cron schedule',
      changed('RedriveScheduleClock', { ScheduleExpression: 'cron(0 1 * * ? *)' }),
      'RedriveScheduleClock (AWS::Scheduler::Schedule): ScheduleExpression',
    ],
    [
      'a reference to nothing',
      changed(mapping, { FunctionName: { Ref: 'Gone' } }),
      `${mapping} (AWS::Lambda::EventSourceMapping) must point to one AWS::Lambda::Function`,
    ],
    [
      'a stream on a table with a time to live',
      changed('Devices', { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } }),
      'Devices has a stream and a TTL',
    ],
  ])('%s', (_what, wrong, sentence) => expect(() => read(wrong)).toThrow(sentence));
});

describe('the cache', () => {
  const project = (): { root: string; cache: string; source: (made: string) => void } => {
    const root = folder();
    mkdirSync(join(root, 'infra'));
    const source = (made: string): void =>
      writeFileSync(join(root, 'infra/synth.ts'), `export const synthesize = (): object => (${made});`);
    return { root, cache: join(root, 'cache'), source };
  };
  const stack = (Type: string): string => `{ Resources: { A: { Type: '${Type}' } } }`;

  test('is used as long as nothing changes that the template is made of, and then replaced', async () => {
    const { root, cache, source } = project();
    source(stack('One'));
    expect((await loadTemplate(root, cache)).Resources.A?.Type).toBe('One');
    const [kept] = readdirSync(cache);
    writeFileSync(join(cache, `${kept}`), JSON.stringify({ Resources: { A: { Type: 'Cached' } } }));
    expect((await loadTemplate(root, cache)).Resources.A?.Type).toBe('Cached');

    source(stack('Two'));
    expect((await loadTemplate(root, cache)).Resources.A?.Type).toBe('Two');
    expect(readdirSync(cache)).toHaveLength(1);
  });

  test('is passed over when it is damaged', async () => {
    const { root, cache, source } = project();
    source(stack('One'));
    await loadTemplate(root, cache);
    writeFileSync(join(cache, `${readdirSync(cache)[0]}`), '{"Resour');
    expect((await loadTemplate(root, cache)).Resources.A?.Type).toBe('One');
  });

  test('holds nothing when infra/ fails, whose reason is told', async () => {
    const { root, cache, source } = project();
    source('fail()');
    await expect(loadTemplate(root, cache)).rejects.toThrow('infra/ makes no template: fail is not defined');
  });
});
