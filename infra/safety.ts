/** Safety: reports. What operators do about them comes from outside (`npm run ops -- cases`). */
import type { Context } from './http.ts';
import type { Parts } from './parts.ts';
import { mayTable } from './rights.ts';

export const keepSafe = ({ commit, views }: Parts, context: Context): void =>
  context([...commit, mayTable(views, 'GetItem', 'PutItem')], {
    'POST /v1/reports': 'functions/safety/report.http.ts',
  });
