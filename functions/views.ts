/** All read models. A new one stands here, and is kept by the reactions and rebuilt by `npm run ops -- rebuild <name>`. */
import type { Commit } from '../core/commit.ts';
import type { Stream } from '../core/keys.ts';
import type { RowChange, View } from '../core/views.ts';
import { accountTokensView } from './accounts/account-tokens.ts';
import { standingView } from './accounts/standing.ts';
import { withoutGone } from './gone.ts';
import { blocksView } from './matching/blocks.ts';
import { likesView } from './matching/likes.ts';
import { matchesView } from './matching/matches.ts';
import { seenView } from './matching/seen.ts';
import { cameView, profilesView, standsView } from './profiles.ts';
import { purchasesView } from './purchases/history.ts';
import { casesView } from './safety/cases.ts';

export const views: readonly View[] = [
  matchesView,
  seenView,
  likesView,
  blocksView,
  accountTokensView,
  purchasesView,
  standingView,
  profilesView,
  standsView,
  cameView,
  casesView,
].map(withoutGone);

/** What a commit changes in all of them. */
export const changesOf = (stream: Stream, commit: Pick<Commit, 'v' | 'events'>): RowChange[] =>
  views.filter(({ kind }) => kind === stream.kind).flatMap(({ changes }) => changes(stream, commit));
