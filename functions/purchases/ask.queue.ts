/** Ask queue: what is asked of a store or told to it, one job a message. */
import { jobs } from '../../core/jobs.ts';
import { AskJob, answerAsk } from './ask.ts';

export const handler = jobs('purchases/ask', AskJob, (job, deps) => answerAsk(deps, job));
