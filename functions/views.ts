/** All read models. A new one stands here, and is kept by the reactions and rebuilt by `npm run ops -- rebuild <name>`. */
import type { Commit } from '../core/commit.ts';
import type { Stream } from '../core/keys.ts';
import type { RowChange, View } from '../core/views.ts';
import { accountTokensView } from './accounts/account-tokens.ts';
import { matchesView } from './matching/matches.ts';
import { purchasesView } from './purchases/history.ts';

export const views: readonly View[] = [matchesView, accountTokensView, purchasesView];

/** What a commit changes in all of them. */
export const changesOf = (stream: Stream, commit: Pick<Commit, 'v' | 'events'>): RowChange[] =>
  views.filter(({ kind }) => kind === stream.kind).flatMap(({ changes }) => changes(stream, commit));
