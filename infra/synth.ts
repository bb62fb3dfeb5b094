/**
 * The template, made in this process: offline, without credentials, without bundling, without CDK's own validation
 * (`npm run synth` validates). For `local/`, the tests and the bundler; its logical ids are those that are deployed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { App } from 'aws-cdk-lib/core';
import type { CodeOf } from './functions.ts';
import { chorus } from './stack.ts';
import { parseStage } from './stage.ts';

export type Resource = {
  Type: string;
  Properties?: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
export type Template = { Resources: Record<string, Resource>; Outputs?: Record<string, unknown> };

type Options = { stage?: string; codeOf?: CodeOf };

const root = join(import.meta.dirname, '..');
const noCode: CodeOf = () => Code.fromInline('// made by infra/bundle.ts');

/**
 * Takes about half a second of CPU, most of it for loading aws-cdk-lib.
 * @throws StageError for a name that cannot be a stage
 */
export const synthesize = ({ stage, codeOf = noCode }: Options = {}): Template => {
  // The CLI hands over the context of cdk.json; here its feature flags must be read, for they decide logical ids.
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const outdir = mkdtempSync(join(tmpdir(), 'chorus-synth-'));
  try {
    const app = new App({
      context,
      outdir,
      analyticsReporting: false,
      treeMetadata: false,
      builtinCloudFormationValidation: false,
    });
    const { artifactId } = chorus(app, parseStage(stage), codeOf);
    return app.synth().getStackArtifact(artifactId).template;
  } finally {
    rmSync(outdir, { recursive: true });
  }
};
