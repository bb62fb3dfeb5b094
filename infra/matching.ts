/** People meet: what they make of each other, and what became of it. */
import type { Context } from './http.ts';
import type { Parts } from './parts.ts';
import { mayTable } from './rights.ts';

export const meetPeople = ({ commit, deliver, views, trail }: Parts, context: Context): void =>
  context(
    [...commit, ...deliver, mayTable(views, 'GetItem', 'PutItem', 'Query'), mayTable(trail, 'GetItem', 'PutItem')],
    {
      'PUT /v1/reactions/{userId}': 'functions/matching/react.http.ts',
      'DELETE /v1/reactions/{userId}': 'functions/matching/undo.http.ts',
      'GET /v1/matches': 'functions/matching/matches.http.ts',
      'DELETE /v1/matches/{userId}': 'functions/matching/unmatch.http.ts',
      'GET /v1/deck': 'functions/matching/deck.http.ts',
      'GET /v1/likes': 'functions/matching/likes.http.ts',
      'GET /v1/blocks': 'functions/matching/blocks.http.ts',
      'PUT /v1/blocks/{userId}': 'functions/matching/block.http.ts',
      'DELETE /v1/blocks/{userId}': 'functions/matching/unblock.http.ts',
    },
  );
