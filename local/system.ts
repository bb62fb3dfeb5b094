/** The whole system in this process, as `npm start`, the tests and the benchmarks use it. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import type { Tenant } from '../core/tenants.ts';

export type Options = {
  /** Folder for everything that is kept; made if need be. */
  data: string;
  /** Of the public APIs; 0 or nothing for any free one. */
  port?: number;
  /** No lines in the console. */
  quiet?: boolean;
  /** Instead of the tenants' own: how long pushes to connected devices wait. */
  graceSeconds?: number;
  /** Instead of the tenants' own, as `roomy` (tenants.ts) for programs that do in a second what people do in a day. */
  limits?: Tenant['limits'];
  /** How long one hour of the local App Store takes, in milliseconds; 200 if nothing is said. */
  appStoreHourMs?: number;
  /** Over the template's environment. */
  env?: Record<string, string>;
  /** Told every log entry of the functions. */
  onLog?: (entry: Record<string, unknown>) => void;
};

export type System = {
  /** Such as http://127.0.0.1:4000. */
  http: string;
  /** Such as ws://127.0.0.1:4000. */
  ws: string;
  /** What the functions see: table names, endpoints. */
  env: Record<string, string>;
  /**
   * Resolves when every stream is consumed up to now, nothing is in flight and no visible message waits in a queue.
   * @throws Error after 30 s, with what is still busy
   */
  drain(): Promise<void>;
  /** Capacity units of all invocations since boot; drain first. */
  units(): { read: number; write: number };
  stop(): Promise<void>;
};

/**
 * Starts everything; once per process, for handler files keep their environment.
 * @throws StartError, one sentence that says what to do
 */
export const boot = async (options: Options): Promise<System> => {
  // Before anything large is loaded: a third of a start is compiling.
  enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/chorus/compile'));
  const { assemble } = await import('./assemble.ts');
  return assemble(options);
};
