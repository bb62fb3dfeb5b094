/** GET /v1/me/export — how far one's archive is; when it is ready, links to its parts that are good for a quarter of an hour. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { makeLink, readExport } from './exports.ts';

export const handler = http(
  {
    output: z.strictObject({
      state: z.enum(['none', 'asked', 'ready']),
      asked: z.iso.datetime().optional(),
      /** Until when it can be had. */
      until: z.iso.datetime().optional(),
      links: z.array(z.string()).optional(),
      linksUntil: z.iso.datetime().optional(),
    }),
    inAnyStanding: true,
    limit: 'reads',
  },
  async ({ actor }, deps) => {
    const row = await readExport(deps, actor);
    if (!row) return { state: 'none' as const };
    if (row.state === 'asked') return { state: 'asked' as const, asked: row.asked };
    const { token, until: linksUntil } = await makeLink(deps, actor, row);
    const links = Array.from({ length: row.parts ?? 0 }, (_, i) => `/v1/me/export/${token}?part=${i + 1}`);
    const until = new Date(row.expires * 1000).toISOString();
    return { state: 'ready' as const, asked: row.asked, until, links, linksUntil };
  },
);
