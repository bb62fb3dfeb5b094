/** POST /v1/reports — a person reports another, or a message of theirs; the evidence is copied as it is now. */
import { z } from 'zod';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { problems } from '../../core/problem.ts';
import { Text } from '../../core/text.ts';
import { evidenceOf } from '../evidence.ts';
import { REPORT_CHARACTERS } from './case.ts';
import { Subject } from './evidence.ts';
import { isReason } from './reasons.ts';
import { report } from './report.ts';

export const handler = http(
  {
    limit: 'reports',
    body: z.strictObject({ subject: Subject, reason: z.string().max(100), text: Text(REPORT_CHARACTERS).optional() }),
    output: z.strictObject({ reportId: z.string() }),
    status: 201,
    idempotent: true,
    refusals: {
      self: { status: 422, detail: 'Nobody reports themselves. Report what somebody else did.', field: 'body.subject' },
    },
  },
  async ({ body, actor, commandId: id }, deps) => {
    const { safety } = tenantOf(actor.tenant);
    if (!isReason(safety, body.reason))
      throw problems.invalid([{ field: 'body.reason', rule: 'must be one of the reasons of this app' }]);
    const evidence = await evidenceOf(deps, actor, body.subject);
    return report(deps, { actor, said: body, evidence, id });
  },
);
