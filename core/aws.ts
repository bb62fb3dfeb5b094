/** What every SDK client shares: a deadline that really ends a call. */
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Without `throwOnRequestTimeout` the handler only warns, and a silent server holds the invocation until Lambda ends it. */
export const withDeadline = (requestTimeout: number) => ({
  requestHandler: new NodeHttpHandler({ connectionTimeout: 1000, requestTimeout, throwOnRequestTimeout: true }),
});
