/** Erasure queue: goes on with one person's erasure. The only function that may change what was committed. */
import { jobs } from '../../core/jobs.ts';
import { ErasureJob, erase } from './erase.ts';

export const handler = jobs('erasure/erase', ErasureJob, (job, deps) => erase(deps, job));
