/** What `cdk` runs: checks the tenants, bundles the functions, synthesizes. Options: `-c stage=prod`, `-c tenants=folder`. */
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { App } from 'aws-cdk-lib/core';
import { loadTenants, type Tenant, TenantError } from '../core/tenants.ts';
import { BundleError, bundle } from './bundle.ts';
import { chorus } from './stack.ts';
import { parseStage, StageError } from './stage.ts';
import { synthesize } from './synth.ts';

const root = join(import.meta.dirname, '..');

/** Who trusts other certificates than Apple's believes everybody who has their keys. */
const refuseOwnRoots = (dir: string, tenants: Tenant[]): void => {
  const [own] = tenants.filter(({ purchases }) => purchases?.appstore?.roots);
  if (own)
    throw new TenantError(`${dir}/${own.tenant}.json: purchases.appstore.roots: is for a laptop and tests alone`);
};

const main = async (): Promise<void> => {
  const app = new App();
  const outdir = join(app.outdir, 'functions');
  const stage = parseStage(app.node.tryGetContext('stage'));
  const tenants: string = app.node.tryGetContext('tenants') ?? 'tenants';
  refuseOwnRoots(tenants, loadTenants(tenants));
  // The template says which functions there are, so it is made twice: once without code to learn what to build.
  await bundle(synthesize({ stage: stage.name }), { root, outdir, tenants });
  chorus(app, stage, (id) => Code.fromAsset(join(outdir, id)));
  app.synth();
};

try {
  await main();
} catch (error) {
  const isForThePerson = error instanceof TenantError || error instanceof StageError || error instanceof BundleError;
  if (!isForThePerson) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
