/** GET /v1/me/export/{token}?part= — a part of an archive, for whoever has the link: browsers send no access token. */
import { z } from 'zod';
import { fetching } from '../../core/hook.ts';
import { problems } from '../../core/problem.ts';
import { partKey } from './collect.ts';
import { openLink } from './exports.ts';

export const handler = fetching(
  {
    params: z.strictObject({ token: z.string().regex(/^[a-z0-9-]{2,31}\.[A-Za-z0-9_-]{20,100}$/, 'is no link') }),
    query: z.strictObject({ part: z.string().regex(/^[1-9]\d{0,4}$/, 'must be the number of a part') }),
  },
  async ({ params: { token }, query: { part } }, deps) => {
    const link = await openLink(deps, token);
    const text = link && (await deps.exported.get(partKey(link, link.id, Number(part))));
    if (!text) throw problems.notFound();
    return { text, name: `export-${part}.json` };
  },
);
