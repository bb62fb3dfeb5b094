/** PUT /v1/purchases/consumption-consent — may a store be told how a purchase was used, when it is to be paid back? */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { setConsent } from '../customer.ts';

const Consent = z.strictObject({ given: z.boolean() });

export const handler = http(
  { limit: 'preferences', body: Consent, output: Consent, inAnyStanding: true },
  async ({ body, actor }, deps) => {
    await setConsent(deps, actor, body.given);
    return body;
  },
);
