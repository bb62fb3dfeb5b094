/** POST /v1/socket-tickets — a ticket for one WebSocket connection: `?ticket=…&device=…` within 60 seconds. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { issueTicket } from './tickets.ts';

export const handler = http(
  {
    limit: 'tickets',
    body: z.strictObject({}).optional(),
    output: z.strictObject({ ticket: z.string(), expiresAt: z.iso.datetime() }),
    status: 201,
  },
  ({ actor, expires }, deps) => issueTicket(deps, actor, expires),
);
