/** The environment of the functions: the template's, and where AWS is on this machine. */
import { devNull } from 'node:os';
import { region } from './template/interpret.ts';

/** Of the user's own AWS life; they would lead the SDK elsewhere. */
const foreign = [
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
];

/** Names the embedded engine's address, so that a process started from here does not take it for the user's choice. */
const embedded = 'CHORUS_EMBEDDED_ENDPOINT';

/** The environment as the user made it: without what this process or its parent added. */
export const ownEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint, ...rest } = env;
  return endpoint === undefined || endpoint === env[embedded] ? rest : env;
};

type Places = { dynamo: string; isEmbedded: boolean; queues: string };

export const awsEnvironment = ({ dynamo, isEmbedded, queues }: Places): Record<string, string> => ({
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL_DYNAMODB: dynamo,
  AWS_ENDPOINT_URL_SQS: queues,
  AWS_ENDPOINT_URL_S3: queues,
  [embedded]: isEmbedded ? dynamo : '',
});

export const forgetForeign = (): void => {
  for (const name of foreign) delete process.env[name];
};
