/**
 * Lambda functions. One for the HTTP routes of a context, one for every other entry file; each with a role and a log
 * group of its own. The template names the sources in the function's metadata, for `infra/bundle.ts` and for `local/`:
 * `chorus:entry` (one file) or `chorus:routes` (route key → file).
 */

import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnResource, Duration, type Stack } from 'aws-cdk-lib/core';
import type { Right } from './rights.ts';
import type { Stage } from './stage.ts';
import { named } from './stores.ts';

/** A file under functions/, or the files of a context's routes by route key. */
export type Source = string | Record<string, string>;
export type MakeFunction = (source: Source, rights: Right[]) => Lambda;
/** The code of a function, by its logical id. */
export type CodeOf = (id: string) => Code;

/** By the suffix of the entry file, which names its trigger. Nothing may outlive API Gateway's 29 s or the next schedule. */
export const timeouts = {
  http: Duration.seconds(15),
  authorizer: Duration.seconds(5),
  ws: Duration.seconds(15),
  stream: Duration.seconds(60),
  queue: Duration.seconds(30),
  schedule: Duration.seconds(240),
};

const memoryMegabytes = 512;

const isTrigger = (suffix: string): suffix is keyof typeof timeouts => Object.hasOwn(timeouts, suffix);

/** functions/sync/deliver.stream.ts → SyncDeliverStream, stream; a context's routes → MatchingHttp, http */
const describe = (source: Source): { id: string; trigger: keyof typeof timeouts } => {
  const files = typeof source === 'string' ? [source] : Object.values(source);
  const contexts = new Set(files.map((file) => file.split('/').slice(0, -1).join('/')));
  const [file] = files;
  if (!file || contexts.size !== 1) throw new Error(`one function cannot serve ${files.join(', ') || 'nothing'}`);
  const words = file
    .replace(/^functions\//, '')
    .split(/[/.]/)
    .slice(0, -1);
  const trigger = words.at(-1) ?? '';
  if (!isTrigger(trigger)) throw new Error(`${file}: its suffix must be one of ${Object.keys(timeouts).join(', ')}`);
  const name = typeof source === 'string' ? words : [...words.slice(0, -2), trigger];
  return { id: name.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(''), trigger };
};

type Options = { stage: Stage; codeOf: CodeOf; environment: Record<string, string> };

export const functionMaker =
  (stack: Stack, { stage, codeOf, environment }: Options): MakeFunction =>
  (source, rights) => {
    const { id, trigger } = describe(source);
    const logGroup = new LogGroup(stack, `${id}Logs`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: stage.removalPolicy,
    });
    const mayLog = { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] };
    const fn = new Lambda(stack, id, {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: codeOf(id),
      memorySize: memoryMegabytes,
      timeout: timeouts[trigger],
      environment,
      logGroup,
      role: roleFor(stack, id, [mayLog, ...rights]),
    });
    const { defaultChild } = named(fn, id).node;
    if (CfnResource.isCfnResource(defaultChild)) {
      defaultChild.addMetadata(typeof source === 'string' ? 'chorus:entry' : 'chorus:routes', source);
    }
    return fn;
  };

/** A role that starts with nothing: the managed basic role would allow writing to every log group of the account. */
const roleFor = (stack: Stack, id: string, rights: Right[]): Role => {
  const role = new Role(stack, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  for (const { actions, resources } of rights) role.addToPolicy(new PolicyStatement({ actions, resources }));
  return role;
};
