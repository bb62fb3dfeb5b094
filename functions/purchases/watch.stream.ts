/** Stream of the audit: every change of it. */
import { stream } from '../../core/stream.ts';
import { watch } from './watch.ts';

export const handler = stream('purchases/watch', (change, deps) => watch(deps, change));
