/** Why the system could not start, in one sentence that says what to do. Whoever typed `npm start` reads only that. */
export class StartError extends Error {
  override name = 'StartError';
}
