/** Expiry queue: closes the connections whose access token has ended. */
import { jobs } from '../../core/jobs.ts';
import { ExpiryJob, expireConnection } from './connections.ts';

export const handler = jobs('sync/expire', ExpiryJob, (job, deps) => expireConnection(deps, job));
