/** People show themselves, and find each other. */
import type { Context } from './http.ts';
import type { Parts } from './parts.ts';
import { mayTable } from './rights.ts';

export const showPeople = ({ commit, deliver, views }: Parts, context: Context): void =>
  // What follows from a profile is written at once, so that others find what it says now.
  context([...commit, ...deliver, mayTable(views, 'GetItem', 'PutItem')], {
    'GET /v1/me': 'functions/profiles/me.http.ts',
    'PUT /v1/me': 'functions/profiles/set.http.ts',
    'GET /v1/users/{userId}': 'functions/profiles/user.http.ts',
  });
