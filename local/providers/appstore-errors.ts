/** The App Store Server API's errors, as Apple documents them, by the names that this server uses. */

export type Answer = { status: number; body?: unknown; text?: string; headers?: Record<string, string> };

const known = {
  GeneralBadRequest: [400, 4000000, 'Bad request.'],
  InvalidRequestRevision: [400, 4000005, 'Invalid request revision.'],
  InvalidTransactionId: [400, 4000006, 'Invalid transaction id.'],
  StartDateTooFarInPast: [
    400,
    4000012,
    'Invalid request. The startDate parameter is earlier than the earliest allowed date.',
  ],
  StartDateAfterEndDate: [400, 4000013, 'Invalid request. The startDate is after the endDate.'],
  InvalidPaginationToken: [400, 4000014, 'Invalid request. The pagination token is invalid.'],
  InvalidStartDate: [400, 4000015, 'Invalid request. The startDate is invalid.'],
  InvalidEndDate: [400, 4000016, 'Invalid request. The endDate is invalid.'],
  PaginationTokenExpired: [400, 4000017, 'Invalid request. The pagination token is expired.'],
  MultipleFiltersSupplied: [
    400,
    4000019,
    'Invalid request. Supply either a transaction id or a notification type, but not both.',
  ],
  InvalidTestNotificationToken: [400, 4000020, 'Invalid request. The test notification token is invalid.'],
  InvalidSort: [400, 4000021, 'Invalid request. The sort parameter is invalid.'],
  InvalidCustomerConsented: [400, 4000035, 'Invalid request. The customer consented field is invalid.'],
  InvalidDeliveryStatus: [400, 4000036, 'Invalid request. The delivery status field is invalid.'],
  InvalidSampleContentProvided: [400, 4000041, 'Invalid request. The sample content provided field is invalid.'],
  AccountNotFound: [404, 4040001, 'Account not found.'],
  AccountNotFoundRetryable: [404, 4040002, 'Account not found. Please try again.'],
  TestNotificationNotFound: [
    404,
    4040008,
    'Either the test notification token is expired or the notification is not available yet.',
  ],
  TransactionIdNotFound: [404, 4040010, 'Transaction id not found.'],
  RateLimitExceeded: [429, 4290000, 'Rate limit exceeded.'],
  GeneralInternal: [500, 5000000, 'An unknown error occurred.'],
  GeneralInternalRetryable: [500, 5000001, 'An unknown error occurred. Please try again.'],
} as const;
export type AppStoreErrorName = keyof typeof known;

export const appleError = (name: AppStoreErrorName, headers?: Record<string, string>): Answer => {
  const [status, errorCode, errorMessage] = known[name];
  return { status, body: { errorCode, errorMessage }, ...(headers && { headers }) };
};

/** Of a token that does not convince: Apple gives no reason. */
export const unauthenticated: Answer = { status: 401, text: 'Unauthenticated\n\nRequest ID: LOCAL.0.0\n' };

/** What it can be asked to answer instead. @param until when a flood ends, Unix ms */
export const apiFaults = (until: number): Record<string, Answer> => ({
  '429': appleError('RateLimitExceeded', { 'retry-after': String(until) }),
  '500': appleError('GeneralInternalRetryable'),
  '401': unauthenticated,
  '404': appleError('AccountNotFoundRetryable'),
  html: { status: 503, text: '<html><body>Service Unavailable</body></html>' },
  half: { status: 200, text: '{"data":[{"subscriptionGroupIdentifier":"1","lastTrans' },
});
