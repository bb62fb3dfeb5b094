/** Export queue: writes the next part of one person's archive. */
import { jobs } from '../../core/jobs.ts';
import { collect, ExportJob } from './collect.ts';

export const handler = jobs('erasure/collect', ExportJob, (job, deps) => collect(deps, job));
