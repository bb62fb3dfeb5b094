/** `cdk synth` and the synthesis in this process: the same template, and one sentence for a mistake. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { synthesize, type Template } from '../../infra/synth.ts';
import { dev } from './template.ts';

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'chorus-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** Runs what `cdk` runs, with this context. */
const runApp = async (context: Record<string, string>): Promise<{ code: unknown; stderr: string }> => {
  const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: join(scratch, 'cdk.out') };
  const run = promisify(execFile)(process.execPath, ['infra/app.ts'], { cwd: root, env });
  return run.then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }) => ({ code, stderr }),
  );
};

/** The tenants of the project, with one field of one of them changed. */
const tenantsWith = (change: (tenant: { push: { apns: { teamId: string } } }) => void): string => {
  const folder = mkdtempSync(join(scratch, 'tenants-'));
  cpSync(join(root, 'tenants'), folder, { recursive: true });
  const tenant = readJson('tenants/demo.json');
  change(tenant);
  writeFileSync(join(folder, 'demo.json'), JSON.stringify(tenant));
  return folder;
};

/** The resources; code is the one thing that differs, an asset there and a stub here. */
const withoutCode = ({ Resources }: Template) =>
  Object.entries(Resources).map(([id, { Properties, ...rest }]) => [id, rest, { ...Properties, Code: undefined }]);

test('a broken tenant file stops synth with one sentence that names file and field', async () => {
  const tenants = tenantsWith(({ push }) => {
    push.apns.teamId = 'short';
  });
  expect(await runApp({ tenants })).toEqual({
    code: 1,
    stderr: `${tenants}/demo.json: push.apns.teamId: must be 10 capital letters or digits\n`,
  });
});

test('a stage that cannot be a name stops synth with one sentence', async () =>
  expect(await runApp({ stage: 'Prod!' })).toEqual({
    code: 1,
    stderr: 'stage: must be 1 to 20 of a-z, 0-9 and -, beginning with a letter, such as -c stage=prod\n',
  }));

test('what cdk synthesizes, and finds nothing wrong with, is what local/ runs', async () => {
  const outdir = join(scratch, 'cdk.out');
  expect(await runApp(readJson('cdk.json').context)).toEqual({ code: 0, stderr: '' });
  const deployed = JSON.parse(readFileSync(join(outdir, 'Chorus.template.json'), 'utf8'));
  expect(withoutCode(deployed)).toEqual(withoutCode(dev));
}, 120_000);

test('the template is the same each time it is made', () => expect(synthesize()).toEqual(dev));

test('cdk.json has every recommended feature flag, for they decide logical ids', () =>
  expect(readJson('cdk.json').context).toMatchObject(
    readJson('node_modules/aws-cdk-lib/recommended-feature-flags.json'),
  ));

test('every resource of the template has a type that someone chose', () =>
  expect(new Set(Object.values(dev.Resources).map(({ Type }) => Type))).toEqual(
    new Set([
      ...['AWS::DynamoDB::GlobalTable', 'AWS::S3::Bucket', 'AWS::S3::BucketPolicy'],
      ...['AWS::SQS::Queue', 'AWS::SQS::QueuePolicy', 'AWS::Scheduler::Schedule', 'AWS::CloudWatch::Alarm'],
      ...['Api', 'Stage', 'Route', 'RouteResponse', 'Integration', 'Authorizer'].map((t) => `AWS::ApiGatewayV2::${t}`),
      ...['Function', 'Permission', 'EventSourceMapping'].map((t) => `AWS::Lambda::${t}`),
      ...['AWS::Logs::LogGroup', 'AWS::Logs::MetricFilter', 'AWS::IAM::Role', 'AWS::IAM::Policy'],
    ]),
  ));
