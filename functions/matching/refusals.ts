/** How rules between two people are said to the one who breaks them. To who is blocked, and of nobody, the same is said. */
export const notThere = { status: 404, detail: '' } as const;

export const refusals = {
  self: { status: 422, detail: 'This is about other people, not about yourself.', field: 'params.userId' },
  'already-matched': { status: 409, detail: 'You have matched; only ending the match is possible now.' },
  ended: { status: 409, detail: 'Your match has ended, and in this app two people match only once.' },
  'nothing-to-undo': { status: 409, detail: 'You have not passed on this person, or have undone it already.' },
  'not-found': notThere,
} as const;
