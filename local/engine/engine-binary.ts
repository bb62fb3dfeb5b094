/** Where the embedded engine's program is. */
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { StartError } from '../errors.ts';

const version = '1.2.1';

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const packaged = (platform: string, program: string): string | undefined => {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@dynoxide/${platform}/package.json`);
    return join(dirname(manifest), program);
  } catch {
    return undefined;
  }
};

/**
 * CHORUS_DYNOXIDE_BIN, else the package for this platform, else the PATH.
 * @throws StartError that says what to install or to set
 */
export const findEngine = (env: NodeJS.ProcessEnv): string => {
  const platform = `${process.platform}-${process.arch}`;
  const program = process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide';
  const { CHORUS_DYNOXIDE_BIN: chosen, PATH = '' } = env;
  if (chosen) {
    if (isProgram(chosen)) return chosen;
    throw new StartError(`CHORUS_DYNOXIDE_BIN is ${chosen}, which is not a program: correct or unset it`);
  }
  const candidates = [packaged(platform, program), ...PATH.split(delimiter).map((folder) => join(folder, program))];
  const found = candidates.find((candidate) => candidate !== undefined && isProgram(candidate));
  if (found) return found;
  throw new StartError(
    `there is no database engine for ${platform}: run "npm i --no-save @dynoxide/${platform}@${version}", ` +
      'or start DynamoDB Local and set AWS_ENDPOINT_URL_DYNAMODB to its address',
  );
};
