/** A stage is one deployment of the whole system (`-c stage=prod`); stages share code and nothing else. */
import { RemovalPolicy } from 'aws-cdk-lib/core';

export type Stage = { name: string; keepsData: boolean; removalPolicy: RemovalPolicy };

/** One sentence for the person at the command line. */
export class StageError extends Error {
  override name = 'StageError';
}

/**
 * Only `prod` protects its data from deletion; every other stage leaves nothing behind when it is destroyed.
 * @throws StageError when the name cannot stand in the name of a CloudFormation stack
 */
export const parseStage = (name: unknown = 'dev'): Stage => {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    throw new StageError(`stage: must be 1 to 20 of a-z, 0-9 and -, beginning with a letter, such as -c stage=prod`);
  }
  const keepsData = name === 'prod';
  return { name, keepsData, removalPolicy: keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY };
};
