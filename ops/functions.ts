/** The deployed functions as Lambda lists them: their names, their environment, where they log. */
import { type FunctionConfiguration, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { withDeadline } from '../core/aws.ts';
import { OpsError } from './command.ts';

export type Deployed = {
  /** What all functions share. */
  env: Record<string, string>;
  logGroups: string[];
  /** ARN of the function made from this entry file. @throws OpsError when there is none */
  functionOf(entry: string): string;
};

const PAGES = 200;

const listAll = async (fits: (name: string) => boolean): Promise<FunctionConfiguration[]> => {
  const client = new LambdaClient({ ...withDeadline(10_000) });
  const found: FunctionConfiguration[] = [];
  let Marker: string | undefined;
  try {
    for (let page = 0; page < PAGES; page++) {
      const listed = await client.send(new ListFunctionsCommand({ MaxItems: 50, ...(Marker ? { Marker } : {}) }));
      found.push(...(listed.Functions ?? []).filter(({ FunctionName = '' }) => fits(FunctionName)));
      Marker = listed.NextMarker;
      if (!Marker) break;
    }
  } finally {
    client.destroy();
  }
  return found;
};

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** functions/sync/deliver.stream.ts → SyncDeliverStream; a context's http files are one function: MessagingHttp. */
export const idOf = (entry: string): string => {
  const words = entry
    .replace(/^functions\//, '')
    .replace(/\.ts$/, '')
    .split(/[/.]/);
  const [context = ''] = words;
  return (words.at(-1) === 'http' ? [context, 'http'] : words).map(capital).join('');
};

/**
 * @param stack the name of the stack, or undefined for the local system, whose functions bear their bare ids
 * @returns undefined when there are none
 */
export const findFunctions = async (stack: string | undefined): Promise<Deployed | undefined> => {
  // A stage's name may begin another's (chorus-eu, chorus-eu-2); ids begin with a capital letter, stages never do.
  const prefix = stack === undefined ? '' : `${stack}-`;
  const functions = await listAll((name) => name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.length)));
  const [first] = functions;
  if (!first) return undefined;
  return {
    env: first.Environment?.Variables ?? {},
    logGroups: [...new Set(functions.flatMap(({ LoggingConfig }) => LoggingConfig?.LogGroup ?? []))],
    functionOf: (entry) => {
      const name = prefix + idOf(entry);
      // CloudFormation appends a hyphen and random characters.
      const arn = functions.find(({ FunctionName: is = '' }) => is === name || is.startsWith(`${name}-`))?.FunctionArn;
      if (!arn) throw new OpsError(`${stack ?? 'the local system'} has no function of ${entry}: was it deployed?`);
      return arn;
    },
  };
};
