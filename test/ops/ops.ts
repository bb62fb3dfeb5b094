/** The operators' command line in this process, on the system that a test has booted. */
import { dirname } from 'node:path';
import { main } from '../../ops/main.ts';
import type { Json, World } from '../world.ts';

export type Ran = { status: 0 | 1 | 2; out: string; err: string };

/** `npm run ops -- …argv` */
export const ops = async ({ env }: Pick<World, 'env'>, ...argv: string[]): Promise<Ran> => {
  const ran = { out: '', err: '' };
  const status = await main([...argv, '--data', dirname(env.TENANTS_DIR ?? '')], {
    out: (text) => {
      ran.out += text;
    },
    err: (text) => {
      ran.err += text;
    },
    isTty: false,
  });
  return { status, ...ran };
};

/** The same with `--json`. */
export const opsJson = async (world: Pick<World, 'env'>, ...argv: string[]): Promise<Ran & { json: Json }> => {
  const ran = await ops(world, ...argv, '--json');
  return { ...ran, json: ran.out === '' ? undefined : JSON.parse(ran.out) };
};
