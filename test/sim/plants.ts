/**
 * Bugs that a simulation must see: each is a classic of its kind, made by changing the text of a source file while it is
 * loaded. The product holds no switch for them, so no bundle can contain one.
 */
export type Edit = { file: string; find: string; replace: string };
export type Plant = {
  name: string;
  edits: Edit[];
  /** It shows only after tables were restored. */
  restore?: true;
  /** The simulation itself found it: the seed that shows it is clean since it was mended. */
  found?: true;
};

const plant = (name: string, file: string, find: string, replace: string): Plant => ({
  name,
  edits: [{ file, find, replace }],
});

export const plants: readonly Plant[] = [
  plant(
    'dedupe that does not look',
    'core/look.ts',
    'const own = commits.find((commit) => commit.command === command);',
    'const own = commits.find((commit) => commit.command === `never`);',
  ),
  plant(
    'dedupe that looks only at the newest commit',
    'core/look.ts',
    'const own = commits.find((commit) => commit.command === command);',
    'const own = commits.slice(-1).find((commit) => commit.command === command);',
  ),
  {
    name: 'own commit taken for a conflict',
    edits: [
      {
        file: 'core/execute.ts',
        find: "return there.command === commit.command ? there : 'theirs';",
        replace: "return 'theirs';",
      },
      {
        file: 'core/execute.ts',
        find: "if (outcome === 'appended') {",
        replace: "if (outcome === 'theirs') throw problems.busy();\n    if (outcome === 'appended') {",
      },
    ],
  },
  plant(
    'a retry at the next version after an unknown outcome, without looking',
    'core/execute.ts',
    'const outcome = await attempt(deps, stream, commit, dedupe);',
    `let outcome = await attempt(deps, stream, commit, dedupe);
    if (outcome === 'unknown') {
      commit.v++;
      outcome = await attempt(deps, stream, commit, dedupe);
    }`,
  ),
  plant(
    'an unknown outcome told as "nothing was written"',
    'core/execute.ts',
    "return isDefinite(error) ? 'nothing' : 'unknown';",
    'throw problems.busy();',
  ),
  plant(
    'eventually consistent range read',
    'core/events.ts',
    '      ConsistentRead: true,\n',
    '      ConsistentRead: false,\n',
  ),
  plant(
    'pointer set without maximum',
    'core/pointers.ts',
    "'attribute_not_exists(#v) OR #v < :v'",
    "'attribute_not_exists(#v) OR #v < :v OR #v >= :v'",
  ),
  plant(
    'register beyond its bound',
    'core/pointers.ts',
    "'#bound >= :to AND (attribute_not_exists(#register) OR #register < :to)'",
    "'(#bound >= :to OR #bound < :to) AND (attribute_not_exists(#register) OR #register < :to)'",
  ),
  plant(
    'swallowed record error',
    'core/stream.ts',
    'return { batchItemFailures: lowest === undefined ? [] : [{ itemIdentifier: lowest }] };',
    'return { batchItemFailures: [] };',
  ),
  plant('stream order trusted', 'core/deliver.ts', 'if (have < commit.v) await', 'if (have === commit.v - 1) await'),
  plant(
    'put without its condition',
    'core/events.ts',
    `    Item: { ...versionKey(stream, commit.v), ...commit },
    ...notThere,
  });`,
    `    Item: { ...versionKey(stream, commit.v), ...commit },
  });`,
  ),
  plant('client without gap check', 'test/sim/replica.ts', 'if (v > copy.v + 1) return true;', ''),
  {
    name: 'a 410 without its timestamp rule',
    edits: [
      {
        file: 'functions/push/attempt.ts',
        find: 'if (since !== undefined && device.registeredAt && since <= Date.parse(device.registeredAt))',
        replace: 'if (since !== undefined && since < 0)',
      },
      {
        file: 'functions/push/forget.ts',
        find: 'if (since !== undefined && device.registeredAt && since <= Date.parse(device.registeredAt))',
        replace: 'if (since !== undefined && since < 0)',
      },
    ],
  },
  plant(
    'push before the acknowledgement is looked at',
    'functions/push/decide.ts',
    "if ((pointer.acks[job.device] ?? 0) >= v) return { skip: 'acknowledged' };",
    '',
  ),
  plant(
    'push of the newest version only',
    'functions/push/notify.stream.ts',
    'for (let version = first; version <= v; version++)',
    'for (let version = v; version <= v; version++)',
  ),
  plant(
    'tenant dropped from a key',
    'core/keys.ts',
    '  pk: personal(stream.tenant, user),\n',
    "  pk: joinKey('person', user),\n",
  ),
  plant(
    'late $disconnect removes the new connection',
    'core/devices.ts',
    "ConditionExpression: '#connection.#id = :id'",
    "ConditionExpression: '#connection.#id = :id OR #connection.#id <> :id'",
  ),
  plant('read mark told to nobody', 'core/registers.ts', 'await raise(deps, other, stream, seenBy(person), read);', ''),
  plant(
    'sync that ends a page too early',
    'functions/sync/plan.ts',
    'more: parts.length < wanted.length || !whole',
    'more: parts.length < wanted.length',
  ),
  plant(
    'two matches for two likes at once',
    'functions/matching/match.ts',
    "[a, b].sort().join('+')",
    "[a, b].join('+')",
  ),
  plant(
    'a pass that takes no like back',
    'functions/matching/match.ts',
    "return feel(before, event.by, 'pass');",
    'return before;',
  ),
  plant(
    'a block that leaves the conversation open',
    'functions/matching/match.ts',
    "const ended = match.status === 'matched' ? unmatch(command, match) : [];",
    'const ended: MatchEvent[] = [];',
  ),
  plant(
    'an end of a match that keeps its generation',
    'functions/matching/match.ts',
    'generation: event.generation + 1 }',
    '...counted(event.generation) }',
  ),
  plant(
    'anybody may write into a conversation',
    'functions/messaging/conversation.ts',
    "return state.status === 'open' && state.members.includes(command.by)",
    "return state.status === 'open'",
  ),
  plant(
    'the key of who sent is told to everyone',
    'core/commit.ts',
    'const own = commit.by === viewer ?',
    'const own = commit.by ?',
  ),
  plant(
    'a ticket that is good twice',
    'functions/sync/tickets.ts',
    'AND attribute_not_exists(#used) AND',
    'AND (attribute_not_exists(#used) OR attribute_exists(#used)) AND',
  ),
  plant(
    'a repair that does nothing',
    'ops/repair.ts',
    'const { dryRun = false, restored } = options;',
    'const { dryRun = true, restored } = options;',
  ),
  plant(
    'a dead address that is kept',
    'functions/push/attempt.ts',
    'await forgetAddress(deps, { ...about, ...(since === undefined ? {} : { since }) })',
    "'forgotten'",
  ),
  plant(
    'a kind that is switched off and shown',
    'functions/push/notification.ts',
    "if (reader.preferences.kinds[kindOf[event.type]] === 'none') return 'switched off';",
    '',
  ),
  plant(
    'a kind that nobody switched off and is not shown',
    'functions/push/notification.ts',
    "kinds[kindOf[event.type]] === 'none'",
    "kinds[kindOf[event.type]] !== 'push'",
  ),
  plant(
    'quiet hours with notifications',
    'functions/push/notification.ts',
    "if (isQuiet(reader.preferences, reader.timeZone ?? 'UTC', now)) return 'quiet hours';",
    '',
  ),
  plant(
    'a mute that is not heeded',
    'functions/push/notification.ts',
    "if (isMuted(reader.muted, now)) return 'muted';",
    '',
  ),
  plant(
    'a badge that counts what was read',
    'functions/push/decide.ts',
    'sum + Math.max(0, count - read)',
    'sum + count',
  ),
  plant(
    'a badge of one conversation only',
    'functions/push/decide.ts',
    'sum + Math.max(0, count - read)',
    'Math.max(sum, count - read)',
  ),
  plant(
    'a decision that is not written down',
    'functions/push/tell.ts',
    'await record(deps, job, name, entry);',
    "if (told.decision !== 'skipped') await record(deps, job, name, entry);",
  ),
  plant(
    'what a store said last is what arrived last',
    'functions/purchases/known.ts',
    'if (!a || a.signed !== b.signed) return a && a.signed > b.signed ? a : b;',
    'if (!a || a.signed !== b.signed) return b;',
  ),
  plant(
    'an entry of the audit that can be overwritten',
    'functions/purchases/audit.ts',
    '    const there = await ddb.insert(',
    `    await ddb.put({ TableName: env.TRANSACTIONS_TABLE, Item: { ...chainKey(tenant, chain, n), ...entry } });
    const there = await ddb.insert(`,
  ),
  plant(
    'a webhook that answers before it has appended',
    'functions/purchases/notification.http.ts',
    'await keep(deps, tenant.tenant, verified, signedPayload);',
    `{ chain: '', n: 0, fresh: true };
    keep(deps, tenant.tenant, verified, signedPayload).catch(() => undefined);`,
  ),
  plant(
    'a notification that is kept though nobody verified it',
    'functions/purchases/notification.http.ts',
    'throw untrusted();',
    "return void (await keep(deps, tenant.tenant, (await import('./verify.ts')).readStored('notification', signedPayload), signedPayload));",
  ),
  plant(
    'a payload that is kept as often as it comes',
    'functions/purchases/audit.ts',
    'if (known) return { ...known, fresh: tried.has(known.hash) };',
    '',
  ),
  plant(
    'a purchase that everybody may take',
    'functions/purchases/ownership.ts',
    "if (!transfer || purchase.kind === 'consumable') return reject('claimed-by-another');",
    '',
  ),
  plant(
    'an account token that binds nobody',
    'functions/purchases/entitle.ts',
    'token === undefined ? undefined : await personOfToken(deps, tenant, token)',
    'undefined',
  ),
  plant(
    'a bucket that gives what it does not have',
    'core/limits.ts',
    "'#tat > :now AND #tat <= :last AND #by <> :by'",
    "'#tat > :now AND (#tat <= :last OR #tat > :last) AND #by <> :by'",
  ),
  plant(
    'a bucket that is full whenever it is asked',
    'core/limits.ts',
    "'attribute_not_exists(#tat) OR #tat <= :now'",
    "'attribute_not_exists(#tat) OR #tat <= :now OR #tat > :now'",
  ),
  plant(
    'a standing that an older event overwrites',
    'functions/standing.ts',
    'await raiseRow(deps, standingRow(tenant, user, standing, v));',
    "await (await import('../core/views.ts')).writeRow(deps, standingRow(tenant, user, standing, v));",
  ),
  plant(
    'people who stand where they were, too',
    'functions/profiles.ts',
    '...(gone && gone.sk !== here?.sk',
    '...(gone && gone.sk === here?.sk',
  ),
  plant(
    'a deck that does not ask whom one has answered',
    'functions/matching/deck.ts',
    'if (seen && !isOver(',
    'if (seen && isOver(',
  ),
  plant(
    'a standing that is believed for too long',
    'core/standing.ts',
    'STANDING_SECONDS = 5;',
    'STANDING_SECONDS = 600;',
  ),
  plant(
    'a suspension that the edge does not heed',
    'core/http.ts',
    "if (!standing || standing.is === 'good' ||",
    "if (!standing || standing.is !== 'erased' ||",
  ),
  {
    name: 'found: two attempts that race both write down that they sent',
    found: true,
    edits: [
      {
        file: 'functions/push/tell.ts',
        find: "const name = told.decision === 'sent' ?",
        replace: "const name = told.decision === 'received' ?",
      },
    ],
  },
  {
    name: 'found: a page of a query taken for the whole',
    found: true,
    edits: [{ file: 'core/ddb.ts', find: '} while (start && items.length < limit);', replace: '} while (!items);' }],
  },
  {
    name: 'found: a logout that lands late removes a newer registration',
    found: true,
    edits: [{ file: 'core/devices.ts', find: "      '#epoch = :epoch',", replace: "      '#epoch >= :epoch'," }],
  },
  {
    name: 'found: a wrong clock makes a handshake look old',
    found: true,
    edits: [
      { file: 'core/deliver.ts', find: 'const HANDSHAKE_SECONDS = 11 * 60;', replace: 'const HANDSHAKE_SECONDS = 30;' },
    ],
  },
  {
    name: 'found: a message that another overtook tells nobody what its author read',
    found: true,
    edits: [
      {
        file: 'core/deliver.ts',
        find: '(moved ? by !== head.by : by',
        replace: '(moved ? by !== head.by && by === person : by',
      },
      {
        file: 'core/deliver.ts',
        find: 'else if (commit.by && knownOf',
        replace: 'else if (commit.by === person && knownOf',
      },
    ],
  },
  {
    name: 'found: a repair judges purchases before it can be found whose they are',
    found: true,
    restore: true,
    edits: [{ file: 'ops/repair.ts', find: '  await mendRows(run, [accountTokensView]);\n', replace: '' }],
  },
  {
    name: 'found: a restore to before a person had any stream leaves their devices as they are',
    found: true,
    restore: true,
    edits: [
      {
        file: 'ops/mend-inbox.ts',
        find: '(await readPointers(deps, owner)).length > 0',
        replace: '(await readPointers(deps, owner)).length >= 0',
      },
    ],
  },
];
